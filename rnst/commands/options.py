"""The parser of all commands: settings as options, one look of help, mistakes in one line."""

import re
import sys
from argparse import SUPPRESS, Action
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docstring_parser import parse
from jsonargparse import DefaultHelpFormatter

from rnst.commands.arguments import FLAG, as_options, is_list, value_of
from rnst.commands.parsing import HELP_WIDTH, OneLineErrors, help_lines, purposes, with_found_configs
from rnst.ranges import parts_of, range_of, restricted_part

_OTHERS = "Others"
_NONE_IN_A_FILE = Literal["none", "None", "NONE"]  # YAML's own word is null


class ShortHelp(DefaultHelpFormatter):
    """Help without types and spellings that nobody needs."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=HELP_WIDTH)  # type: ignore[no-untyped-call]  # jsonargparse's own

    def _fill_text(self, text: str, width: int, indent: str) -> str:  # noqa: ARG002 - a signature of argparse
        """Keep the lines of a description: one sentence, and examples."""
        return "".join(f"{indent}{line}\n" for line in text.splitlines())

    def _get_help_string(self, action: Action) -> str:
        return "print all settings as YAML, and stop" if action.dest == "print_config" else action.help or ""

    def _format_action_invocation(self, action: Action) -> str:
        if not action.option_strings:
            return str(action.metavar or action.dest)
        names = [name for name in action.option_strings if not name.endswith("+")]
        if action.dest == "print_config":
            return names[0]
        value = self._format_args(action, action.dest.upper()) if action.nargs != 0 else ""
        return f"{', '.join(names)} {value}".rstrip()


class CommandParser(OneLineErrors):
    """The parser of one command.

    Args:
        usage: first line of the help.
        description: what the command does, in one line.
        examples: commands as people type them; they come first in the help.
    """

    def __init__(self, usage: str, description: str, examples: Sequence[str] = ()) -> None:
        lines = [description, *(["", "examples"] if examples else []), *(f"  {example}" for example in examples)]
        super().__init__(usage=usage, description="\n".join(lines), formatter_class=ShortHelp)
        self._hidden = list[Action]()
        self._configs, self._takes_pictures = "", False

    def add_settings(
        self, settings: type[Any], groups: Mapping[str, Collection[str]], common: Collection[str] | None = None
    ) -> None:
        """Add an option for every field.

        Args:
            settings: a dataclass whose docstring describes each field under Args.
            groups: title -> names of fields, in the order of the help; fields that are in none come last.
            common: fields that --help shows; --help_all shows the others too. None: all.
        """
        found = {entry.name: entry for entry in fields(settings)}
        hints = get_type_hints(settings)
        descriptions = {entry.arg_name: entry.description for entry in parse(settings.__doc__ or "").params}
        listed = {name for names in groups.values() for name in names}
        for title, names in {**groups, _OTHERS: [name for name in found if name not in listed]}.items():
            group = self.add_argument_group(title)
            for name in names:
                text = " ".join((descriptions[name] or "").split())
                action = _add(group, found[name], hints[name], text)
                self.hints[name] = hints[name]
                if common is not None and name not in common:
                    self._hidden.append(action)

    def add_config(self, prefix: str, *, pictures: bool = False) -> None:
        """Add --config, which takes a file or the name of a shipped one.

        Args:
            prefix: of the names of the command's configurations, as sweeps/.
            pictures: it also takes a finished picture, for the settings in it.
        """
        self._configs, self._takes_pictures = prefix, pictures
        self.hints["config"] = str
        text = "preset, or YAML file of options" + (", or a finished picture" if pictures else "")
        self.add_argument("--config", action="config", metavar="NAME", help=text)

    def add_option(self, name: str, hint: Any, default: Any, text: str) -> None:
        """Add one option that is no field of settings."""
        self.hints[name] = hint
        shown = f"{text}{_default(default, hint)}".replace("%", "%%")
        self.add_argument(f"--{name}", type=hint, default=default, metavar=_metavar(hint, text), help=shown)

    def add_flag(self, name: str, text: str) -> None:
        """Add an option without a value."""
        self.hints[name] = FLAG
        self.add_argument(f"--{name}", action="store_true", help=text)

    def parse(self, arguments: Sequence[str], words: str = "") -> dict[str, Any]:
        """Values by name. Answers --help and --help_all.

        Args:
            arguments: of the command line.
            words: name under which words that belong to no option are returned; "" hands them to the parser.

        Raises:
            UsageError: something on the command line is wrong.
        """
        self._show_help(arguments)
        options, loose = as_options(arguments, self.hints)
        if self._configs:
            options = with_found_configs(options, self._configs, set(self.hints), pictures=self._takes_pictures)
        self.given = {name: value for name, _, value in (option[2:].partition("=") for option in options)}
        parsed: dict[str, Any] = self.parse_args([*options, *([] if words else loose)]).as_dict()
        parsed.pop("config", None)
        parsed |= {name: value_of(hint, parsed[name]) for name, hint in self.hints.items() if name in parsed}
        return {**parsed, **({words: loose} if words else {})}

    def _show_help(self, arguments: Sequence[str]) -> None:
        """Print what is asked for, and leave."""
        everything = "--help_all" in arguments or "--help-all" in arguments
        if not everything and not {"-h", "--help"} & set(arguments):
            return
        for action in self._hidden if not everything else ():
            action.help = SUPPRESS
        sys.stdout.write(self.format_help())
        if self._configs:
            sys.stdout.write(f"\nconfigurations (--config NAME)\n{help_lines(purposes(self._configs))}")
        if self._hidden and not everything:
            sys.stdout.write(f"\n--help_all shows {len(self._hidden)} more options.\n")
        sys.exit(0)


def _add(group: Any, entry: "Field[Any]", hint: Any, description: str) -> Action:
    default = entry.default if entry.default_factory is MISSING else entry.default_factory()
    needed = default is MISSING
    shown = "" if needed else _default(default, hint)
    action: Action = group.add_argument(
        f"--{entry.name}",
        type=hint | _NONE_IN_A_FILE if type(None) in parts_of(hint) else hint,
        required=needed,
        default=None if needed else default,
        metavar=_metavar(hint, description),
        help=f"{description.rstrip('.')}{shown}".replace("%", "%%"),
    )
    return action


def _metavar(hint: Any, description: str) -> str:
    choices = [part for part in parts_of(hint) if get_origin(part) is Literal]
    if choices and all(part is type(None) or part in choices for part in parts_of(hint)):
        return "|".join(map(str, get_args(choices[0])))
    if "dict[" in str(hint):
        return "JSON"
    number = restricted_part(hint) or hint
    kinds = [base for base in (bool, int, float) if _is_of(number, base)]
    if is_list(hint):
        return "NUMBER ..." if kinds else "A [B ...]"
    if not kinds and Path in parts_of(hint):
        return "FOLDER" if description.startswith("folder") else "FILE"
    return {bool: "true|false", int: "N", float: "X"}[kinds[0]] if kinds else "NAME"


def _is_of(hint: Any, base: type) -> bool:
    inner = [get_args(part)[0] if get_origin(part) is list else part for part in parts_of(hint)]
    return any(isinstance(part, type) and issubclass(part, base) for part in inner)


def _default(value: Any, hint: Any) -> str:
    """In brackets: the default, and the range that numbers must be in."""
    limits = range_of(restricted_part(hint), is_short=True)
    limits = re.sub(r"from (\S+) to (\S+)", r"\1..\2", limits)
    if value is None or value in ([], {}):
        shown = ""
    elif isinstance(value, list):
        shown = " ".join(f'"{each}"' if " " in str(each) else str(each) for each in value)
    else:
        shown = re.sub(r"\.0$", "", str(value).lower() if isinstance(value, bool) else str(value))
    parts = [part for part in (shown, limits) if part]
    return f" [{'; '.join(parts)}]" if parts else ""
