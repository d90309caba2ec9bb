"""The plan of a contact sheet: every combination of one or two settings, as rows and columns."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rnst.errors import InvalidValueError, RnstError, UnknownNameError
from rnst.stylization.output_names import named_by
from rnst.stylization.settings import StylizationSettings

STYLE_MIX = "style_mix"
"""A share from 0 to 1 of the second of two styles; the first one gets the rest."""

_FIXED = (
    *("content", "style", "output", "size", "print", "side", "aspect", "devices"),
    *("sequence", "sequence_weight", "flow", "key_frames"),
    *("quality", "depth", "dpi", "metadata", "save_every", "resume", "scores", "lpips", "tile", "memory"),
    *("group", "tracking", "tracking_folder"),
)  # they do not change how a picture of one size looks
VARIABLE = (*(entry.name for entry in fields(StylizationSettings) if entry.name not in _FIXED), STYLE_MIX)
"""Names of the settings that a sheet can vary."""
_MOST_AXES, _MOST_CELLS = 2, 100


@dataclass(frozen=True)
class Axis:
    """One setting and the values that are tried.

    Attributes:
        name: of a setting, or STYLE_MIX.
        values: each of the type of the setting.
    """

    name: str
    values: tuple[Any, ...]

    @property
    def labels(self) -> list[str]:
        """A text for each value."""
        return [f"{self.name}={shown(value)}" for value in self.values]


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet.

    Attributes:
        varied: setting of stylize.py -> its value here.
        label: its values as text.
        settings: of the picture; None where its values contradict each other.
        problem: why there are none.
    """

    varied: Mapping[str, Any]
    label: str
    settings: StylizationSettings | None
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


def check_axes(axes: Sequence[tuple[str, Sequence[object]]], styles: int) -> None:
    """Refuse axes of which no sheet can be made.

    Args:
        axes: name and values of each.
        styles: number of the styles.

    Raises:
        UnknownNameError: no setting of that name can vary.
        InvalidValueError: too many axes or pictures, or a value is listed twice.
    """
    names = [name for name, _ in axes]
    if not 0 < len(names) <= _MOST_AXES or len(set(names)) < len(names):
        raise InvalidValueError("--grid", " ".join(names), "one or two different settings: rows, then columns")
    for name, values in axes:
        if name not in VARIABLE:
            raise UnknownNameError("setting of a contact sheet", name, VARIABLE)
        texts = [shown(value) for value in values]
        if len(set(texts)) < len(texts):
            raise InvalidValueError(f"--grid {name}", ",".join(texts), "different values")
    count = len(list(itertools.product(*(values for _, values in axes))))
    if count > _MOST_CELLS:
        raise InvalidValueError("--grid", f"{count} pictures", f"at most {_MOST_CELLS} pictures")
    if STYLE_MIX in names and (styles != 2 or "style_weights" in names):  # noqa: PLR2004 - a mix is of two
        raise InvalidValueError(f"--grid {STYLE_MIX}", f"for {styles} styles", "with two styles, and no style_weights")


def plan_grid(settings: StylizationSettings, axes: Sequence[Axis]) -> Grid:
    """Every combination of the axes: the first one is that of the rows, the second that of the columns.

    Args:
        settings: of all pictures.
        axes: one, which makes a row, or two.
    """
    check_axes([(axis.name, axis.values) for axis in axes], len(settings.styles))
    output = named_by(settings.output, settings.as_dict())
    sheet = output.with_name(f"{output.stem}-grid.png")
    cells = []
    for values in itertools.product(*(axis.values for axis in axes)):
        chosen = {axis.name: value for axis, value in zip(axes, values, strict=True)}
        cells.append(_cell(settings, chosen, sheet.with_suffix("")))
    columns = axes[-1].labels
    return Grid(axes[0].labels if len(axes) > 1 else [""], columns, cells, sheet)


def _cell(settings: StylizationSettings, chosen: Mapping[str, Any], folder: Path) -> Cell:
    parts = [f"{name}={shown(value)}" for name, value in chosen.items()]
    varied = {name: value for name, value in chosen.items() if name != STYLE_MIX}
    if STYLE_MIX in chosen:
        share = round(1.0 - chosen[STYLE_MIX], 6)
        varied["style_weights"] = [share, chosen[STYLE_MIX]]
    name = named_by(Path("--".join(f"{name}={{{name}}}" for name in chosen) + ".png"), chosen)
    try:
        made = settings.replaced(**varied, output=folder / name, resume=False)
    except RnstError as error:
        return Cell(varied, " ".join(parts), None, str(error))
    return Cell(varied, " ".join(parts), made)


def shown(value: object) -> str:
    """A value as text."""
    if isinstance(value, list | tuple):
        return "+".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
