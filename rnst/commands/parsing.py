"""What all commands share: a parser with short errors, lists on the command line, configurations by name."""

import json
import logging
from pathlib import Path
from typing import Any, NoReturn

import yaml
from jsonargparse import ArgumentParser

from rnst.errors import RnstError, UnknownNameError, UnreadableFileError
from rnst.files import shipped_folders

_CONFIG_FOLDERS = shipped_folders("configs")


class UsageError(RnstError):
    """The command line itself is wrong."""


class OneLineErrors(ArgumentParser):
    """A parser that says what is wrong in one line, without the whole usage before it."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError(f"{' '.join(message.split())}. See --help.") from ex


def gathered(arguments: list[str], lists: set[str]) -> list[str]:
    """Lists as the parser takes them: `--layers layer1 layer2` becomes `--layers=["layer1", "layer2"]`."""
    gathered: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if name in lists and equals and value and not value.startswith("["):
            argument = f"{name}={json.dumps([value])}"
        elif argument in lists and rest and not rest[0].startswith("["):
            values = []
            while rest and not rest[0].startswith("--"):
                values.append(rest.pop(0))
            argument = f"{argument}={json.dumps(values)}"
        gathered.append(argument)
    return gathered


def find_config(name: str, folder: str = "train") -> Path:
    """File of a configuration, in a checkout or in an installed package.

    Args:
        name: a path, or the name of a shipped configuration: `train/fast.yaml`, `train/fast` or `fast`.
        folder: where a name without one is looked up.

    Raises:
        UnknownNameError: there is none.
    """
    if Path(name).is_file():
        return Path(name)
    named = shipped_configs()
    wanted = name.removeprefix("configs/").removesuffix(".yaml")
    for ending in (wanted, f"{folder}/{wanted}"):
        for known, path in named:
            if known == ending:
                return path
    raise UnknownNameError("configuration", name, [known for known, _ in named if known.startswith(f"{folder}/")])


def shipped_configs() -> list[tuple[str, Path]]:
    """Names and files of all configurations that come with the program."""
    folder = next(folder for folder in _CONFIG_FOLDERS if folder.is_dir())
    return [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in sorted(folder.rglob("*.yaml"))]


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
    if not any(needed in _settings(path) for path in configs):
        found = ["--config", str(find_config(default)), *found]
    return found


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UnreadableFileError(path, "YAML", " ".join(str(error).split())) from error
    return settings if isinstance(settings, dict) else {}


def with_found_configs(arguments: list[str], folder: str) -> list[str]:
    """Arguments in which a name after --config has become the file in `folder`: draft is stylize/draft.yaml.

    Raises:
        UnknownNameError: there is neither such a file nor such a name.
    """
    found: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name == "--config" and equals:
            found += ["--config", str(find_config(value, folder))]
        else:
            is_config = bool(found) and found[-1] == "--config"
            found.append(str(find_config(argument, folder)) if is_config else argument)
    return found


def quiet_lightning() -> None:
    """Lightning's advertisements and notes on devices say nothing to the user of a command."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
