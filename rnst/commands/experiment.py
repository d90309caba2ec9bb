"""What the commands of experiments share: settings from YAML and options, quiet libraries, a console for tables."""

import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import TypeVar

from rich.console import Console

from rnst.commands.options import ShortHelp, add_options, list_options
from rnst.commands.parsing import OneLineErrors, gathered, quiet_lightning, with_found_configs

_FILE_WIDTH = 120  # columns, where tables go to a file
_HINTS = (  # of Lightning, that a user of the command can do nothing about
    ".*does not have many workers",
    ".*LeafSpec.*deprecated",
    "GPU available but not used",
    "The number of training batches .* is smaller than the logging interval",
)

_Settings = TypeVar("_Settings")


def read_settings(
    arguments: list[str],
    kind: type[_Settings],
    groups: Mapping[str, Sequence[str]],
    *,
    usage: str,
    description: str,
) -> _Settings:
    """Settings of an experiment from its command line; silences what libraries would say during it.

    Args:
        arguments: of the command line.
        kind: dataclass of the settings; its docstring explains them.
        groups: heading of the help -> names of settings below it.
        usage: first line of the help, and what the command is called there.
        description: what the experiment is.

    Raises:
        RnstError: a child of it for every mistake on the command line or in the YAML.
    """
    parser = OneLineErrors(usage=usage, description=description, formatter_class=ShortHelp)
    parser.add_argument("--config", action="config", help="YAML file with any of the options below, or its name")
    add_options(parser, kind, groups)
    arguments = with_found_configs(arguments, "experiments")
    options = parser.parse_args(gathered(arguments, list_options(kind))).as_dict()
    options.pop("config", None)
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
