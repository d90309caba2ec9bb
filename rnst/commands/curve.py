"""`rnst curve`: the learning curve of one or several trainings."""

import sys
from argparse import Namespace
from pathlib import Path

from rnst.commands.options import CommandParser
from rnst.errors import InvalidValueError, MissingPathError
from rnst.outputs import check_output

_FIGURES = (".png", ".pdf", ".svg")


def run(arguments: list[str]) -> None:
    """Draw clean and robust accuracy by epoch, from the tables of the runs."""
    parser = CommandParser(
        "rnst curve RUN [RUN ...] [--output PNG] [--title TEXT]",
        "Draw the accuracy of trainings by epoch, clean and under attack.",
        ["rnst curve checkpoints/robust.run", "rnst curve a.run b.run --output both.png"],
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders of trainings")
    parser.add_option("output", Path, Path("curve.png"), "PNG to write")
    parser.add_option("title", str, "", "written above the curves")
    options = Namespace(**parser.parse(arguments))
    if options.output.suffix.lower() not in _FIGURES or options.output.is_dir():
        raise InvalidValueError(
            "--output", str(options.output), f"a file name that ends in one of {', '.join(_FIGURES)}"
        )
    for folder in options.runs:
        if not folder.is_dir():
            raise MissingPathError(folder, "run folder", "Give NAME.run, beside the weight file.")
    _run(options)


def _run(options: Namespace) -> None:
    from rnst.reporting.plots import is_plot
    from rnst.training.curves import draw, learning_curves

    check_output("--output", options.output, {}, is_plot)
    same_names = len({folder.name for folder in options.runs}) < len(options.runs)
    labels = {folder: str(folder) if same_names else folder.name for folder in options.runs}
    curves = {}
    for folder in options.runs:
        found = learning_curves(folder)
        if not found:
            raise MissingPathError(folder, "accuracies of a training", "Nothing was validated there yet.")
        for name, curve in found.items():
            curves[name if len(options.runs) == 1 else f"{labels[folder]}: {name}"] = curve
    draw(options.output, curves, options.title)
    for name, (epochs, shares) in curves.items():
        sys.stdout.write(f"{name}: {shares[-1]:.1%} after {epochs[-1]:g} epochs, best {max(shares):.1%}\n")
    sys.stdout.write(f"{options.output}\n")
