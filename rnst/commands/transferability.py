"""`rnst transferability`."""

import sys
from typing import TYPE_CHECKING

from rich.table import Table

from rnst.commands.experiment import read_settings, table_console
from rnst.commands.options import CommandParser
from rnst.studies.transferability.settings import TransferabilitySettings

if TYPE_CHECKING:
    from rnst.studies.transferability.report import Row, TransferabilityReport

_GROUPS = {
    "photos": ("data", "dataset", "image_size", "train_photos", "test_photos", "heldout"),
    "networks": ("architectures", "source", "learning_rates", "epochs", "batch_size", "weight_decay", "augment"),
    "sets": ("radius", "step_size", "steps"),
    "transfer": ("transfer_radii", "transfer_steps"),
    "what is written": ("output", "seed", "tracking"),
    "machine": ("accelerator", "batch_size_attack"),
}


_COMMON = ("data", "architectures", "source", "radius", "steps", "epochs", "output")


def _parser() -> CommandParser:
    return CommandParser(
        "rnst transferability --config YAML [--data DIR] [--output DIR] [--OPTION VALUE ...]",
        "Train networks on another one's non-robust features; measure how attacks transfer (Ilyas et al. 2019).",
        [
            "rnst transferability --config transferability_smoke --data PHOTOS",
            "rnst transferability --config transferability --data PHOTOS",
        ],
    )


def run(arguments: list[str]) -> None:
    """Train, build, measure, write, print."""
    settings = read_settings(
        "transferability",
        arguments,
        TransferabilitySettings,
        _GROUPS,
        parser=_parser(),
        common=_COMMON,
    )
    _run(settings)


def _run(settings: TransferabilitySettings) -> None:
    from rnst.studies.transferability.measure import measure_transferability

    try:
        report = measure_transferability(settings, lambda line: sys.stderr.write(f"{line}\n"))
    except KeyboardInterrupt as stop:
        kept = f"stopped; finished networks are kept in {settings.output}, and the same command goes on"
        raise KeyboardInterrupt(kept) from stop
    _print(report, settings)


def _print(report: "TransferabilityReport", settings: TransferabilitySettings) -> None:
    from rnst.studies.transferability.report import TARGETED, UNTARGETED, described

    console = table_console()
    console.print(_table(report, settings))
    chance = 1 / report.classes
    for name, success in report.success.items():
        console.print(f"{name}: the source sees the label in {success:.1%} of the photos", soft_wrap=True)
    for name, (true, shifted) in report.controls.items():
        text = (
            f"trained on {name}: {true:.1%} of the test photos, {shifted:.1%} as the next class (chance {chance:.1%})"
        )
        console.print(text, soft_wrap=True)
    for kind in (UNTARGETED, TARGETED):
        for number, radius in enumerate(settings.radii):
            found = report.correlations(kind, number)
            parts = "; ".join(f"{name} {described(one)}" for name, one in found.items())
            console.print(f"r, {kind}, radius {radius:g}: {parts}", soft_wrap=True)
    console.print(f"{settings.output}/transferability.json and .png: {report.seconds:.0f} s", soft_wrap=True)


def _table(report: "TransferabilityReport", settings: TransferabilitySettings) -> Table:
    table = Table(title=f"source {settings.source}; {report.test_photos} test photos; transfer (as much noise)")
    table.add_column("network")
    for name in ("clean", "D_det", "D_rand"):
        table.add_column(name, justify="right")
    for radius in settings.radii:
        table.add_column(f"changed, {radius:g}", justify="right")
        table.add_column(f"target, {radius:g}", justify="right")
    table.add_row(*_cells("source, white-box", report.source))
    rows = [*report.rows, *([report.retrained_source] if report.retrained_source is not None else [])]
    for row in rows:
        mark = " (trained again)" if row.architecture == settings.source else ""
        table.add_row(*_cells(f"{row.architecture}{mark}", row))
    return table


def _cells(name: str, row: "Row") -> list[str]:
    accuracies = ("" if share is None else f"{share:.1%}" for share in (row.clean, row.d_det, row.d_rand))
    transfers = (
        f"{share:.1%} ({noise:.1%})"
        for one in row.transfer
        for share, noise in ((one.untargeted, one.untargeted_noise), (one.targeted, one.targeted_noise))
    )
    return [name, *accuracies, *transfers]
