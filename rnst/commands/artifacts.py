"""`rnst artifacts`."""

from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.table import Table

from rnst.commands.experiment import read_settings, table_console
from rnst.commands.options import CommandParser
from rnst.studies.artifacts.settings import ArtifactSettings

if TYPE_CHECKING:
    from rnst.studies.artifacts.measure import Artifacts

_LOOK: Any = {"title_justify": "left", "box": SIMPLE, "pad_edge": False}
_GROUPS = {
    "What is compared": ("encoders", "fixes", "textures"),
    "Pictures": ("style", "photo", "size", "style_scale", "style_weight"),
    "Effort": ("steps", "seeds", "cotangents", "precision"),
    "Files and records": ("output", "tracking"),
}


_COMMON = ("encoders", "fixes", "textures", "style", "photo", "size", "steps", "output")


def _parser() -> CommandParser:
    return CommandParser(
        "rnst artifacts [--config YAML] [--encoders NAME[:random] ...] [--OPTION VALUE ...]",
        "Measure where checkerboards in stylized pictures come from, and what removes them.",
        [
            "rnst artifacts",
            "rnst artifacts --encoders resnet50 resnet50:random --fixes none shifts",
            "rnst artifacts --config artifacts_published",
        ],
    )


def run(arguments: list[str]) -> None:
    """Measure, write, print."""
    settings = read_settings(
        "artifacts",
        arguments,
        ArtifactSettings,
        _GROUPS,
        parser=_parser(),
        common=_COMMON,
    )
    _run(settings)


def _run(settings: ArtifactSettings) -> None:
    from rnst.studies.artifacts.measure import find_artifacts

    found = find_artifacts(settings)
    console = table_console()
    for table in (_overlaps(found), _gradients(found), _textures(found)):
        if table.row_count:
            console.print(table)
    files = "artifacts.json, artifacts.png and sheet.png" if found.textures else "artifacts.json"
    console.print(f"{found.settings.output}: {files}", soft_wrap=True)


def _overlaps(found: "Artifacts") -> Table:
    table = Table(title="unevenness of a convolution's gradient: closed form and measured", **_LOOK)
    table.add_column("kernel / stride")
    for one in found.overlaps:
        table.add_column(f"{one.kernel} / {one.stride}", justify="right")
    table.add_row("closed form", *(f"{one.expected:.3f}" for one in found.overlaps))
    table.add_row("measured", *(f"{one.measured:.3f}" for one in found.overlaps))
    return table


def _gradients(found: "Artifacts") -> Table:
    table = Table(title="unevenness of whole networks' gradients: period 2 + what period 4 adds", **_LOOK)
    table.add_column("encoder")
    table.add_column("fix")
    depth = max(len(layers) for fixes in found.gradients.values() for layers in fixes.values())
    for number in range(depth):
        table.add_column(f"style layer {number + 1}", justify="right")
    for encoder, fixes in found.gradients.items():
        for number, (fix, layers) in enumerate(fixes.items()):
            cells = (f"{phases.period_two:.3f} + {phases.period_four:.3f}" for phases in layers.values())
            table.add_row(encoder if number == 0 else "", fix, *cells)
        table.add_section()
    return table


def _textures(found: "Artifacts") -> Table:
    table = Table("encoder", "fix", title="textures: judge a fix by excess and fine grain together", **_LOOK)
    for name in ("stripes dB", "checkerboard dB", "fine share", "to style"):
        table.add_column(name, justify="right")
    if not found.textures:
        return table
    table.add_row("the painting itself", "", *_cells(found.painting))
    previous: object = None
    for row in found.texture_rows():
        if row["encoder"] != previous:
            table.add_section()
        table.add_row(*(str(row[name]) for name in ("encoder", "fix")), *_cells(row))
        previous = row["encoder"]
    return table


def _cells(scores: Any) -> list[str]:
    from rnst.studies.artifacts.textures import CHECKERBOARD, FINE, STRIPES, STYLE

    return [f"{scores[STRIPES]:.1f}", f"{scores[CHECKERBOARD]:.1f}", f"{scores[FINE]:.2f}", f"{scores[STYLE]:.2f}"]
