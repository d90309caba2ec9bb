"""The fields of a settings dataclass as options of a command line: in groups, each with one short description."""

import re
from argparse import Action
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docstring_parser import parse
from jsonargparse import ArgumentParser, DefaultHelpFormatter

_OTHERS = "Others"


class ShortHelp(DefaultHelpFormatter):
    """Help without types and spellings that nobody needs."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=110)  # type: ignore[no-untyped-call]  # jsonargparse's own

    def _get_help_string(self, action: Action) -> str:
        return "print all settings as YAML, and stop" if action.dest == "print_config" else action.help or ""

    def _format_action_invocation(self, action: Action) -> str:
        names = [name for name in action.option_strings if not name.endswith("+")]
        if action.dest == "print_config":
            return names[0]
        value = self._format_args(action, action.dest.upper()) if action.nargs != 0 else ""
        return f"{', '.join(names)} {value}".rstrip()


def add_options(parser: ArgumentParser, settings: type[Any], groups: Mapping[str, Sequence[str]]) -> None:
    """Add an option for every field.

    Args:
        parser: takes the options; its formatter should be ShortHelp.
        settings: a dataclass whose docstring describes each field under Args.
        groups: title -> names of fields, in the order of the help; fields that are in none come last.
    """
    found = {entry.name: entry for entry in fields(settings)}
    hints = get_type_hints(settings)
    descriptions = {entry.arg_name: entry.description for entry in parse(settings.__doc__ or "").params}
    listed = {name for names in groups.values() for name in names}
    for title, names in {**groups, _OTHERS: [name for name in found if name not in listed]}.items():
        group = parser.add_argument_group(title)
        for name in names:
            _add(group, found[name], hints[name], " ".join((descriptions[name] or "").split()))


def list_options(settings: type[Any]) -> set[str]:
    """Options that take several values: `--name A B`."""
    hints = get_type_hints(settings)
    return {f"--{entry.name}" for entry in fields(settings) if _is_list(hints[entry.name])}


def _add(group: Any, entry: "Field[Any]", hint: Any, description: str) -> None:
    default = entry.default if entry.default_factory is MISSING else entry.default_factory()
    needed = default is MISSING
    group.add_argument(
        f"--{entry.name}",
        type=hint,
        required=needed,
        default=None if needed else default,
        metavar=_metavar(hint),
        help=f"{description.rstrip('.')}{'' if needed else _default(default)}".replace("%", "%%"),
    )


def _is_list(hint: Any) -> bool:
    return "list[" in str(hint) and "dict[" not in str(hint)


def _metavar(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "|".join(get_args(hint))
    if "dict[" in str(hint):
        return "JSON"
    if _is_list(hint):
        return "NUMBER ..." if "float" in str(hint) else "A [B ...]"
    kinds = [kind for kind in (hint, *get_args(hint)) if kind in {bool, int, float, str, Path}]
    name = {bool: "true|false", int: "N", float: "X", Path: "FILE"}.get(kinds[0] if kinds else str, "NAME")
    return str(name)


def _default(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, list):
        return f" [{' '.join(map(str, value))}]"
    shown = re.sub(r"\.0$", "", str(value).lower() if isinstance(value, bool) else str(value))
    return f" [{shown}]"
