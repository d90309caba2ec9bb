"""`train_robust.py` and `rnst train`."""

import sys

from rnst.commands.parsing import with_configs_found
from rnst.commands.train_help import first_screen

_RESUME = "--resume"
_SWITCHES = {"true": [_RESUME], "false": []}


def run(arguments: list[str]) -> None:
    """Train, measure and export according to the configuration."""
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(first_screen())
        return
    arguments = _plain(arguments)
    arguments = ["--help" if argument == "--help_all" else argument for argument in arguments]
    _run(with_configs_found(arguments, "train/restricted_imagenet", needed="output"))


def _run(arguments: list[str]) -> None:
    from rnst.commands.training_cli import train_by

    train_by(arguments)


def _plain(arguments: list[str]) -> list[str]:
    """Options with underscores in the place of hyphens, and --resume without a value."""
    plain = list[str]()
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if plain and plain[-1] == _RESUME and argument.lower() in _SWITCHES:
            plain[-1:] = _SWITCHES[argument.lower()]
        elif name == _RESUME and value.lower() in _SWITCHES:
            plain += _SWITCHES[value.lower()]
        else:
            plain.append(f"--{name[2:].replace('-', '_')}{equals}{value}" if name.startswith("--") else argument)
    return plain
