"""`train_robust.py` and `rnst train`."""

import sys

from rnst.commands.parsing import with_configs_found
from rnst.commands.train_help import first_screen


def run(arguments: list[str]) -> None:
    """Train, measure and export as the configuration says."""
    if {"-h", "--help"} & set(arguments):
        sys.stdout.write(first_screen())
        return
    arguments = ["--help" if argument == "--help_all" else argument for argument in arguments]
    _run(with_configs_found(arguments, "train/restricted_imagenet", needed="output"))


def _run(arguments: list[str]) -> None:
    from rnst.commands.training_cli import train_by

    train_by(arguments)
