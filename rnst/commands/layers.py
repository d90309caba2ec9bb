"""`rnst layers`."""

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from rnst.commands.experiment import read_settings, table_console
from rnst.commands.options import CommandParser
from rnst.studies.layers.settings import LayerSettings

if TYPE_CHECKING:
    from rnst.studies.layers.measure import LayerRobustness

_GROUPS = {
    "What is compared": ("data", "encoders", "layers", "pictures"),
    "Largest changes": ("split", "photos", "image_size", "radii", "attack_steps", "draws", "batch_size"),
    "Style by one layer": ("content", "style", "size", "steps", "style_weights", "precision"),
    "Files and records": ("seed", "output", "tracking"),
}


_COMMON = ("data", "encoders", "layers", "pictures", "photos", "radii", "output")


def _parser() -> CommandParser:
    return CommandParser(
        "rnst layers --data DIR [--config YAML] [--encoders NAME[:random] ...] [--OPTION VALUE ...]",
        "Measure how robust each layer of a network is, and stylize by one layer alone.",
        [
            "rnst layers --data PHOTOS",
            "rnst layers --data PHOTOS --encoders resnet50_robust resnet50:random --pictures false",
        ],
    )


def run(arguments: list[str]) -> None:
    """Measure, write, print."""
    settings = read_settings(
        "layers",
        arguments,
        LayerSettings,
        _GROUPS,
        parser=_parser(),
        common=_COMMON,
    )
    _run(settings)


def _run(settings: LayerSettings) -> None:
    from rnst.studies.layers.measure import measure_layers

    found = measure_layers(settings)
    console = table_console()
    console.print(_table(found))
    files = "layers.json, layers.png" + (" and sheet.png" if found.pictures else "")
    console.print(f"{found.settings.output}: {files}", soft_wrap=True)


def _table(found: "LayerRobustness") -> Table:
    from rnst.studies.layers.report import EDGES, STYLE

    settings = found.settings
    title = f"largest relative change by L2 radius at {settings.image_size} px, and how much more than a random one (x)"
    style: Any = {"title_justify": "left", "box": SIMPLE, "pad_edge": False}
    table = Table("encoder", "layer", title=title, **style)
    for radius in settings.balls:
        table.add_column(f"{radius:g}", justify="right")
        table.add_column("x", justify="right")
    for name in ("entropy", "peak", *(("style", "edges") if found.pictures else ())):
        table.add_column(name, justify="right")
    rows = found.rows()
    previous = ""
    for one, row in zip(found.reports, rows, strict=True):
        if previous and one.encoder != previous:
            table.add_section()
        changes = [
            cell
            for change in one.changes.values()
            for cell in (f"{change.mean_largest:.3f}", f"{change.mean_largest / max(change.mean_random, 1e-12):.1f}")
        ]
        scores = [f"{row[name]:.2f}" for name in (STYLE, EDGES) if name in row]
        name = one.encoder if one.encoder != previous else ""
        table.add_row(name, one.layer, *changes, f"{one.entropy:.3f}", f"{one.peak:.0f}", *scores)
        previous = one.encoder
    return table
