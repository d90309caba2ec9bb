"""A parser with short errors, and configurations by name."""

import json
import logging
import re
import textwrap
from collections.abc import Collection, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ArgumentParser, set_parsing_settings

from rnst.commands.mistakes import explained
from rnst.commands.repeated import repeated
from rnst.errors import InvalidValueError, RnstError, UnknownNameError
from rnst.files import existing_file, exists, shipped_folders
from rnst.image.endings import LONGEST_SIDES
from rnst.yaml_files import read_yaml

# A configuration names classes. Those that run programs or code, as subprocess.Popen, are refused and not imported.
set_parsing_settings(import_path_denylist=[])
_CONFIG_FOLDERS = shipped_folders("configs")
HELP_WIDTH = 110
"""Columns of the help."""


class UsageError(RnstError):
    """The command line itself is wrong."""


class OneLineErrors(ArgumentParser):
    """A parser that reports mistakes in one line, in our own words, without the usage."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hints = dict[str, Any]()
        """Name of an option without its hyphens -> its type."""
        self.given = dict[str, str]()
        """Name -> value on the command line."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise instead of printing and exiting."""
        known = {name.removeprefix("--"): str for action in self._actions for name in action.option_strings}
        options = [action for action in self._actions if action.option_strings]
        typed = {action.dest: kind for action in options if (kind := getattr(action, "_typehint", None))}
        words = {action.dest: str(action.metavar) for action in self._actions if not action.option_strings}
        raise UsageError(explained(message, {**known, **typed, **self.hints}, self.given, words)) from ex


def find_config(name: str, prefix: str = "train/") -> Path:
    """File of a configuration, in a checkout or in an installed package.

    A name of a shipped configuration is never that of a file without an ending which happens to lie in the folder.

    Args:
        name: a path, or the name of a shipped configuration: `train/fast.yaml`, `train/fast` or `fast`.
        prefix: of the configurations of a command, as experiments/layers; its folder is where a name without one is
            searched, and those of other commands in it are not found.

    Raises:
        UnknownNameError: there is none.
    """
    named, folder = shipped_configs(), prefix.partition("/")[0]
    short = {known for config, _ in named for known in (config, config.rpartition("/")[2])}
    if name not in short and (exists(name) or not name or re.match(r"\w+:/", name)):
        return existing_file(name, "configuration", "Give a YAML file, or the name of a preset.")
    wanted = name.removeprefix("configs/").removesuffix(".yaml")
    for ending in (wanted, f"{folder}/{wanted}"):
        for known, path in named:
            if known == ending and (known.startswith(prefix) or not known.startswith(f"{folder}/")):
                return path
    raise UnknownNameError("configuration", name, [known for known, _ in named if known.startswith(prefix)])


def shipped_configs() -> list[tuple[str, Path]]:
    """Names and files of all configurations that come with the program."""
    folder = next(folder for folder in _CONFIG_FOLDERS if folder.is_dir())
    return [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in sorted(folder.rglob("*.yaml"))]


def purposes(*prefixes: str) -> dict[str, str]:
    """Name of each shipped configuration that begins so -> what it is for, the first sentence of its file."""
    return {name: _purpose(path) for name, path in shipped_configs() if name.startswith(prefixes)}


def help_lines(purposes: Mapping[str, str]) -> str:
    """Names and what each is for, as the lines of a help."""
    widest = max(map(len, purposes), default=0)
    indented = textwrap.TextWrapper(HELP_WIDTH, subsequent_indent=" " * (widest + 4))
    return "".join(f"{indented.fill(f'  {name:<{widest}}  {text}')}\n" for name, text in purposes.items())


def _purpose(config: Path) -> str:
    """First sentence of the comment that a configuration begins with; it ends at a command at the latest."""
    lines = takewhile(lambda line: re.match(r"# ?\S", line), config.read_text(encoding="utf-8").splitlines())
    return re.split(r"(?<=\.) ", " ".join(line.lstrip("# ") for line in lines), maxsplit=1)[0]


def with_configs_found(arguments: list[str], default: str, needed: str) -> list[str]:
    """The arguments with the path of each named configuration, and a default where none of them is a whole recipe.

    Args:
        arguments: of the command line.
        default: name of the configuration that comes first where all given ones are overlays.
        needed: key that every recipe has and no overlay.
    """
    found: list[str] = []
    configs: list[Path] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if name not in {"-c", "--config"} or not (equals or rest):
            found.append(argument)
            continue
        configs.append(find_config(value if equals else rest.pop(0)))
        found += ["--config", str(configs[-1])]
    settings = [read_yaml(path) for path in configs]
    if not any(needed in one for one in settings):
        found = ["--config", str(find_config(default)), *found]
    return found


def with_found_configs(options: list[str], prefix: str, valid: Collection[str], *, pictures: bool) -> list[str]:
    """Options in which the name after --config has become a file, or the settings of a finished picture.

    Args:
        options: `--name=value` each.
        prefix: of the configurations of the command, see `find_config`.
        valid: names of settings; others that a picture carries are left out.
        pictures: a finished picture may be given.

    Raises:
        UnknownNameError: there is neither such a file nor such a name.
        UnreadableFileError: a picture without settings.
        InvalidValueError: a picture, where none may be given.
    """
    found: list[str] = []
    for option in options:
        name, _, value = option.partition("=")
        if name != "--config":
            found.append(option)
        elif Path(value).suffix.lower() in {".json", *LONGEST_SIDES} and Path(value).is_file():
            if not pictures:
                raise InvalidValueError("--config", value, "a preset or a YAML file; only stylize.py takes a picture")
            found += ["--config", json.dumps(repeated(Path(value), valid))]
        else:
            path = find_config(value, prefix)
            read_yaml(path)  # refuses what the parser would take too long for
            found += ["--config", str(path)]
    return found


def quiet_lightning() -> None:
    """Silence Lightning's advertisements and notes on devices."""
    # The import of pytorch_lightning sets the level of its own logger, but not those of loggers below it.
    for name in ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)
