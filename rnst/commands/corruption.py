"""`rnst corruption`."""

import math
from typing import TYPE_CHECKING

from rich.table import Table

from rnst.commands.experiment import read_settings, table_console
from rnst.commands.options import CommandParser
from rnst.studies.corruption.settings import CorruptionSettings

if TYPE_CHECKING:
    from rnst.metrics.corruption_errors import Estimate
    from rnst.studies.corruption.report import CorruptionReport

_GROUPS = {
    "what is compared": ("networks", "reference", "data", "split", "photos", "image_size"),
    "how photos are corrupted": ("corruptions", "severities", "size", "corrupted", "seed"),
    "attacks beside it": ("radii", "norm", "steps", "autoattack", "attacked_photos"),
    "what is written": ("output", "tracking"),
    "machine": ("accelerator", "precision", "batch_size", "workers"),
}


_COMMON = ("networks", "reference", "data", "photos", "corruptions", "severities", "radii", "output")


def _parser() -> CommandParser:
    return CommandParser(
        "rnst corruption --networks NAME [NAME ...] --data DIR [--reference NAME] [--OPTION VALUE ...]",
        "Measure natural robustness: errors under 15 common corruptions, mCE, and attacks beside it.",
        [
            "rnst corruption --networks resnet50_robust resnet50_standard --data PHOTOS",
            "rnst corruption --config corruption --data PHOTOS --photos 200",
        ],
    )


def run(arguments: list[str]) -> None:
    """Measure, write, print."""
    settings = read_settings(
        "corruption",
        arguments,
        CorruptionSettings,
        _GROUPS,
        parser=_parser(),
        common=_COMMON,
    )
    _run(settings)


def _run(settings: CorruptionSettings) -> None:
    from rnst.studies.corruption.measure import measure_corruption

    report = measure_corruption(settings)
    console = table_console()
    console.print(_summary(report))
    console.print(_by_corruption(report))
    console.print(f"{settings.output}/corruption.json: {report.photos} photos, {report.seconds:.0f} s", soft_wrap=True)


def _summary(report: "CorruptionReport") -> Table:
    """One row for each network."""
    table = Table(title=f"natural robustness; {report.reference} is 100, lower is better; 95 % intervals over photos")
    for name in ("network", "clean error", "mCE", "relative mCE"):
        table.add_column(name, justify="left" if name == "network" else "right")
    for name, found in report.networks.items():
        clean = f"{found.clean.value:.1%} ({found.clean.low:.1%} to {found.clean.high:.1%})"
        table.add_row(name, clean, _with_interval(found.mean), _with_interval(found.degradation))
    return table


def _by_corruption(report: "CorruptionReport") -> Table:
    """Mean error over severities of each network, and its CE."""
    table = Table(title="mean error over severities, and CE")
    table.add_column("corruption")
    for name in report.networks:
        table.add_column(name, justify="right")
    for corruption in next(iter(report.networks.values())).errors:
        cells = []
        for found in report.networks.values():
            errors = found.errors[corruption]
            cells.append(f"{sum(errors) / len(errors):.1%}  {_number(found.relative_to_reference[corruption]):>5}")
        table.add_row(corruption, *cells)
    return table


def _with_interval(estimate: "Estimate") -> str:
    return f"{_number(estimate.value)} ({_number(estimate.low)} to {_number(estimate.high)})"


def _number(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "undefined"
