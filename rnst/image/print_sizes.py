"""Sheets of paper, and how many pixels a picture on one has. Imports no torch, so that `--help` is fast."""

import re
from dataclasses import dataclass

from rnst.errors import InvalidValueError

DPI = 300.0
"""Dots per inch of a print where none are given."""

_PER_INCH = {"cm": 2.54, "mm": 25.4, "in": 1.0}
_SHEET = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*[x\u00d7]\s*(\d{1,6}(?:\.\d{1,6})?)\s*(cm|mm|in)\s*", re.IGNORECASE)
_LONGEST = 10_000.0  # inches


@dataclass(frozen=True)
class Sheet:
    """A sheet, turned to the orientation of each picture.

    Attributes:
        long_side: in inches.
        short_side: in inches.
    """

    long_side: float
    short_side: float

    def long_side_of(self, size: tuple[int, int], dpi: float) -> int:
        """Pixels of the long side of the largest picture that fits.

        Args:
            size: height and width of the picture in any unit, which give its aspect ratio.
            dpi: dots per inch.
        """
        most = round(self.long_side * dpi), round(self.short_side * dpi)
        long_side = min(most[0], int((most[1] + 0.5) * max(size) / min(size)))
        # The short side is rounded, see `fit_long_side`.
        while long_side > 1 and round(min(size) * long_side / max(size)) > most[1]:
            long_side -= 1
        return max(1, long_side)


def read_sheet(text: str) -> Sheet:
    """A sheet from its sides: `30x40cm`, `8x10in`, `210x297mm`.

    Raises:
        InvalidValueError: the text is none.
    """
    found = _SHEET.fullmatch(text)
    sides = [float(side) / _PER_INCH[found[3].lower()] for side in found.groups()[:2]] if found else []
    if not sides or min(sides) <= 0.0 or max(sides) > _LONGEST:
        raise InvalidValueError("--print", text, "the sides of a sheet in cm, mm or in, as 30x40cm or 8x10in")
    return Sheet(max(sides), min(sides))
