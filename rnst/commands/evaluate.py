"""`rnst evaluate`."""

import sys
import warnings
from fractions import Fraction

from rich.console import Console
from rich.table import Table

from rnst.commands.options import CommandParser
from rnst.commands.parsing import quiet_lightning
from rnst.encoders.names import DEFAULT_ENCODER
from rnst.errors import InvalidValueError
from rnst.metrics.robustness import CLEAN, Evaluation, interval, masking_signs
from rnst.studies.evaluation.settings import EvaluationSettings

_MOST_CLASSES = 20  # a longer list is cut to the worst
_PIXELS_AT_224 = 224
_HINTS = (".*does not have many workers", ".*LeafSpec.*deprecated", "GPU available but not used")
_COMMON = ("data", "radii", "norm", "steps", "photos", "autoattack", "output")
_GROUPS = {
    "What is measured": ("data", "split", "photos", "among", "image_size", "architecture"),
    "Attacks": ("radii", "norm", "steps", "autoattack", "seed"),
    "Machine": ("accelerator", "devices", "precision", "batch_size", "workers", "skip_broken"),
    "Files and records": ("output", "tracking"),
}


def run(arguments: list[str]) -> None:
    """Measure, write, print."""
    parser = CommandParser(
        "rnst evaluate [NETWORK] --data DIR [--radii 0 0.9 1.8] [--steps 20 100] [--OPTION VALUE ...]",
        "Measure the accuracy of a network, clean and under attack, by class and radius.",
        ["rnst evaluate --data PHOTOS", "rnst evaluate model.safetensors --data PHOTOS --norm linf --radii 0 4/255"],
    )
    help_ = f"name that rnst models lists, or a weight file [{DEFAULT_ENCODER}]"
    parser.add_argument("network", nargs="?", type=str, default=DEFAULT_ENCODER, metavar="NETWORK", help=help_)
    parser.add_settings(EvaluationSettings, _GROUPS, _COMMON)
    options = parser.parse(_decimal(arguments))
    network = options.pop("network")
    _run(network, EvaluationSettings(**options))


def _run(network: str, settings: EvaluationSettings) -> None:
    from rnst.studies.evaluation.measure import evaluate

    quiet_lightning()
    for hint in _HINTS:
        warnings.filterwarnings("ignore", message=hint)
    evaluation = evaluate(network, settings)
    if evaluation is not None:
        _print(evaluation, Console(file=sys.stdout, highlight=False))


def _decimal(arguments: list[str]) -> list[str]:
    """Fractions among the radii, as 4/255, as decimal numbers."""
    decimal, in_radii = [], False
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--radii=") else [word])]
    for argument in words:
        if argument.startswith("--"):
            in_radii = argument == "--radii"
        elif in_radii and "/" in argument:
            try:
                argument = repr(float(Fraction(argument)))  # noqa: PLW2901 - the one place where it is replaced
            except (ValueError, ZeroDivisionError) as error:
                raise InvalidValueError("--radii", argument, "numbers as 0.5 or fractions as 4/255") from error
        decimal.append(argument)
    return decimal


def _print(evaluation: Evaluation, console: Console) -> None:
    console.print(_table_of_radii(evaluation))
    if evaluation.attacks:
        console.print(_table_of_classes(evaluation))
    largest = max(evaluation.radii)
    if evaluation.norm == "l2" and evaluation.image_size != _PIXELS_AT_224 and largest:
        equivalent = largest * _PIXELS_AT_224 / evaluation.image_size
        console.print(
            f"radius {largest:g} at {evaluation.image_size} px has the strength per pixel of {equivalent:.3g} at 224 px"
        )
    for sign in masking_signs(evaluation):
        console.print(f"[yellow]weak attack?[/] {sign}")
    folder = evaluation.settings["output"]
    console.print(
        f"{folder}/evaluation.json and evaluation.png: {evaluation.photos} photos, {evaluation.seconds:.0f} s"
    )


def _table_of_radii(evaluation: Evaluation) -> Table:
    table = Table(title=f"{evaluation.network}: accuracy by {evaluation.norm} radius at {evaluation.image_size} px")
    table.add_column("attack")
    for radius in evaluation.radii:
        table.add_column(f"{radius:.4g}" if radius else CLEAN, justify="right")
    for attack in evaluation.attacks or (CLEAN,):
        found = [evaluation.find(attack, radius) for radius in evaluation.radii]
        table.add_row(attack, *("" if one is None else _percent(one.right, evaluation.photos) for one in found))
    return table


def _table_of_classes(evaluation: Evaluation) -> Table:
    """Each class, clean and under the last attack; of many classes the worst."""
    attack = evaluation.attacks[-1]
    counts = evaluation.photos_of_class
    shown = [(radius, one) for radius in evaluation.radii if (one := evaluation.find(attack, radius)) is not None]
    present = [label for label, count in enumerate(counts) if count]
    title = f"by class under {attack}"
    if len(present) > _MOST_CLASSES:
        title += f" (the {_MOST_CLASSES} worst of {len(present)})"
        present = sorted(present, key=lambda label: shown[-1][1].right_of_class[label] / counts[label])[:_MOST_CLASSES]
    table = Table(title=title)
    table.add_column("class")
    table.add_column("photos", justify="right")
    for radius, _ in shown:
        table.add_column(f"{radius:.4g}" if radius else CLEAN, justify="right")
    for label in present:
        rights = (f"{one.right_of_class[label] / counts[label]:.1%}" for _, one in shown)
        table.add_row(evaluation.class_names[label], str(counts[label]), *rights)
    return table


def _percent(right: int, photos: int) -> str:
    low, high = interval(right, photos)
    return f"{right / photos:.1%} ({100 * low:.1f} to {100 * high:.1f})"
