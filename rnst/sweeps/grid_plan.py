"""The plan of a contact sheet: every combination of one or two settings, as rows and columns."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnst.errors import RnstError
from rnst.stylization.job import Job, resolve
from rnst.stylization.output_names import named_by
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.grid_axes import STYLE_MIX, Axis, check_axes, shown


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet.

    Attributes:
        varied: setting of stylize.py -> its value here.
        label: its values as text.
        job: of the picture; None where its values contradict each other.
        problem: why there is none.
    """

    varied: Mapping[str, Any]
    label: str
    job: Job | None
    problem: str = ""


@dataclass(frozen=True)
class Grid:
    """A whole sheet.

    Attributes:
        rows: label of each row; one empty label where there is one axis.
        columns: label of each column.
        cells: row by row.
        sheet: file of the sheet; the page and the folder of the pictures have its name.
    """

    rows: list[str]
    columns: list[str]
    cells: list[Cell]
    sheet: Path

    @property
    def page(self) -> Path:
        """File of the page."""
        return self.sheet.with_suffix(".html")

    @property
    def folder(self) -> Path:
        """Folder of the single pictures."""
        return self.sheet.with_suffix("")


def plan_grid(options: Mapping[str, Any], axes: Sequence[Axis]) -> Grid:
    """Every combination of the axes: the first one is that of the rows, the second that of the columns.

    Args:
        options: setting of stylize.py -> its value in all pictures.
        axes: one, which makes a row, or two.

    Raises:
        RnstError: the axes make no sheet, or what a picture resolves to does not fit together.
    """
    settings = StylizationSettings(**options)
    check_axes([(axis.name, axis.values) for axis in axes], len(settings.styles))
    output = named_by(settings.output, settings.as_dict())
    sheet = output.with_name(f"{output.stem}-grid.png")
    cells = []
    for values in itertools.product(*(axis.values for axis in axes)):
        chosen = {axis.name: value for axis, value in zip(axes, values, strict=True)}
        cells.append(_cell(options, chosen, sheet.with_suffix("")))
    columns = axes[-1].labels
    return Grid(axes[0].labels if len(axes) > 1 else [""], columns, cells, sheet)


def _cell(options: Mapping[str, Any], chosen: Mapping[str, Any], folder: Path) -> Cell:
    parts = [f"{name}={shown(value)}" for name, value in chosen.items()]
    varied = {name: value for name, value in chosen.items() if name != STYLE_MIX}
    if STYLE_MIX in chosen:
        share = round(1.0 - chosen[STYLE_MIX], 6)
        varied["style_weights"] = [share, chosen[STYLE_MIX]]
    name = named_by(Path("--".join(f"{name}={{{name}}}" for name in chosen) + ".png"), chosen)
    try:
        settings = StylizationSettings(**{**options, **varied, "output": folder / name, "resume": False})
    except RnstError as error:
        return Cell(varied, " ".join(parts), None, str(error))
    return Cell(varied, " ".join(parts), resolve(settings))
