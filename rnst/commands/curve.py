"""`rnst curve`: the learning curve of one or several trainings."""

import sys
from argparse import Namespace
from pathlib import Path

from rnst.commands.parsing import OneLineErrors
from rnst.errors import MissingPathError


def run(arguments: list[str]) -> None:
    """Draw clean and robust accuracy by epoch, from the tables of the runs."""
    parser = OneLineErrors(
        usage="rnst curve RUN [RUN ...] [--output PNG] [--title TEXT]",
        description="Accuracy by epoch, clean and under attack, of trainings in their run folders (below runs).",
    )
    parser.add_argument("runs", nargs="+", type=Path, help="Run folders.")
    parser.add_argument("--output", type=Path, default=Path("curve.png"), help="PNG to write.")
    parser.add_argument("--title", default="", help="Written above the curves.")
    options = parser.parse_args(arguments)
    for folder in options.runs:
        if not folder.is_dir():
            raise MissingPathError(folder, "run folder", "Give a folder below runs.")
    _run(options)


def _run(options: Namespace) -> None:
    from rnst.training.curves import draw, learning_curves

    curves = {}
    for folder in options.runs:
        for name, curve in learning_curves(folder).items():
            curves[name if len(options.runs) == 1 else f"{folder.name}: {name}"] = curve
    draw(options.output, curves, options.title)
    for name, (epochs, shares) in curves.items():
        sys.stdout.write(f"{name}: {shares[-1]:.1%} after {epochs[-1]:g} epochs, best {max(shares):.1%}\n")
    sys.stdout.write(f"{options.output}\n")
