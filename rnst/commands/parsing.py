"""What all commands share: a parser with short errors, lists on the command line, configurations by name."""

import json
import logging
from pathlib import Path
from typing import NoReturn

from jsonargparse import ArgumentParser

from rnst.errors import RnstError

_ROOT = Path(__file__).parents[2]
_CONFIG_FOLDERS = (_ROOT / "configs", _ROOT / "rnst" / "bundled" / "configs")


class UsageError(RnstError):
    """The command line itself is wrong."""


class OneLineErrors(ArgumentParser):
    """A parser that says what is wrong in one line, without the whole usage before it."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError(f"{' '.join(message.split())}. See --help.") from ex


def gathered(arguments: list[str], lists: set[str]) -> list[str]:
    """`--style_layers layer1 layer2` as the parser takes it: `--style_layers=["layer1", "layer2"]`."""
    gathered: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument in lists and rest and not rest[0].startswith("["):
            values = []
            while rest and not rest[0].startswith("--"):
                values.append(rest.pop(0))
            argument = f"{argument}={json.dumps(values)}"
        gathered.append(argument)
    return gathered


def find_config(name: str) -> Path:
    """File of a configuration, in a checkout or in an installed package."""
    return next((folder / name for folder in _CONFIG_FOLDERS if (folder / name).is_file()), Path(name))


def quiet_lightning() -> None:
    """Lightning's advertisements and notes on devices say nothing to the user of a command."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
