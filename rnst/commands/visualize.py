"""`rnst visualize`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from rnst.commands.experiment import read_settings, table_console
from rnst.commands.options import CommandParser
from rnst.studies.visualization.settings import VisualizationSettings

if TYPE_CHECKING:
    from rnst.studies.visualization.figures import Visualization

_GROUPS = {
    "What is visualized": ["networks", "objectives", "objectives_of", "invert", "interpolate", "stages", "layer"],
    "How": ["priors", "fourier_decay", "optimizer", "steps", "step_size", "radius", "redirect", "fake_last"],
    "Pictures": ["start", "pictures", "size", "seed", "photos"],
    "Where": ["output", "tracking", "accelerator", "batch", "architecture"],
}


_COMMON = ("networks", "objectives", "invert", "interpolate", "priors", "steps", "size", "output")


def _parser() -> CommandParser:
    return CommandParser(
        "rnst visualize [--networks A B] [--objectives class:2 layer3:12 ...] [--priors none all] [--OPTION ...]",
        "Make pictures that excite channels, classes or layers of several networks, with and without priors.",
        [
            "rnst visualize --objectives class:2 layer3:12",
            "rnst visualize --invert coffee --priors none all",
            "rnst visualize --config visualize_article",
        ],
    )


def run(arguments: list[str]) -> None:
    """Visualize, write, print."""
    settings = read_settings(
        "visualize",
        arguments,
        VisualizationSettings,
        _GROUPS,
        parser=_parser(),
        common=_COMMON,
    )
    _run(settings)


def _run(settings: VisualizationSettings) -> None:
    from rnst.studies.visualization.measure import visualize

    _print(visualize(settings, Console(stderr=True)), settings.output)


def _print(found: "Visualization", output: Path) -> None:
    console = table_console()
    table = Table(title="means over the pictures")
    table.add_column("network", no_wrap=True)
    table.add_column("priors")
    columns = ["above 1/4", "objective", "prior cost", "SSIM", "named by itself", "by others"]
    for name in (*columns, "gradient coherence"):
        table.add_column(name, justify="right")
    for row in found.rows:
        own = row.recognized.get(row.network)
        others = [share for name, share in row.recognized.items() if name != row.network]
        table.add_row(
            Path(row.network).stem,
            row.priors,
            f"{row.high_frequency_fraction:.3f}",
            f"{sum(row.reached) / len(row.reached):.3g}",
            _shown(row.prior_cost, ".2f"),
            _shown(row.similarity, ".3f"),
            _shown(own, ".0%"),
            ", ".join(f"{share:.0%}" for share in others),
            _shown(found.gradients.get(row.network, {}).get("gradient_coherence"), ".3f"),
        )
    console.print(table)
    for row in found.rows:
        dead = [name for name, value in zip(row.objectives, row.reached, strict=True) if value == 0.0]
        if dead:
            note = f"{row.network}, {row.priors}: {', '.join(dead)} stayed at 0; --redirect 16 wakes dead units"
            console.print(note, style="yellow", markup=False)
    sys.stdout.write(f"{output}/sheet.png and visualization.json: {found.seconds:.0f} s\n")


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
