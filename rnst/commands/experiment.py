"""What the commands of experiments share: settings from YAML and options, quiet libraries, a console for tables."""

import sys
import warnings
from collections.abc import Collection, Mapping
from typing import TypeVar

from rich.console import Console

from rnst.commands.options import CommandParser
from rnst.commands.parsing import quiet_lightning

_FILE_WIDTH = 120  # columns, where tables go to a file
_HINTS = (  # of Lightning, that a user of the command can do nothing about
    ".*does not have many workers",
    ".*LeafSpec.*deprecated",
    "GPU available but not used",
    "The number of training batches .* is smaller than the logging interval",
)

_Settings = TypeVar("_Settings")


def read_settings(
    name: str,
    arguments: list[str],
    kind: type[_Settings],
    groups: Mapping[str, Collection[str]],
    *,
    parser: CommandParser,
    common: Collection[str],
) -> _Settings:
    """Settings of an experiment from its command line; silences the notes of libraries.

    Args:
        name: of the command, with which the names of its configurations begin.
        arguments: of the command line.
        kind: dataclass of the settings; its docstring explains them.
        groups: heading of the help -> names of settings below it.
        parser: with usage, description and examples.
        common: settings that --help shows; --help_all shows all.

    Raises:
        RnstError: a subclass for every mistake on the command line or in the YAML.
    """
    parser.add_config(f"experiments/{name}")
    parser.add_settings(kind, groups, common)
    options = parser.parse(arguments)
    quiet_lightning()
    for hint in _HINTS:
        warnings.filterwarnings("ignore", message=hint)
    return kind(**options)


def table_console() -> Console:
    """Standard output, wide enough for tables where it is a file."""
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    return console
