"""The axes of a contact sheet: which settings vary, and the values that are tried."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from rnst.errors import InvalidValueError, UnknownNameError
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


def shown(value: object) -> str:
    """A value as text."""
    if isinstance(value, list | tuple):
        return "+".join(map(shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
