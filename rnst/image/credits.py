"""Who made a photo, when and how: read from its EXIF, and written into the picture that is made from it.

EXIF of a photo may come from anywhere. Only a list of harmless entries is read: no places, no serial numbers, no names
of owners, no thumbnails and no notes of the manufacturer; texts are cut and numbers are bounded.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from PIL import Image

from rnst.image.endings import MetadataLevel
from rnst.image.opening import DAMAGED

_DESCRIPTION, _MAKE, _MODEL, _ARTIST, _COPYRIGHT = 0x010E, 0x010F, 0x0110, 0x013B, 0x8298
_RESOLUTIONS, _UNIT, _PER_INCH, _PER_CENTIMETER = (0x011A, 0x011B), 0x0128, 2, 3
_EXIF, _DATE = 0x8769, 0x9003
# Exposure time, f-number, program, ISO; speed, aperture, bias, widest aperture; metering, light, flash, focal length;
# exposure mode, white balance, focal length for 35 mm; specification, make and model of the lens.
_OF_THE_EXPOSURE = (
    *(0x829A, 0x829D, 0x8822, 0x8827, 0x9201, 0x9202, 0x9204, 0x9205, 0x9207, 0x9208, 0x9209, 0x920A),
    *(0xA402, 0xA403, 0xA405, 0xA432, 0xA433, 0xA434),
)
_SIGNED = (0x9201, 0x9204)
_LONGEST_TEXT = 500  # characters
_MOST_NUMBERS = 4
_LARGEST_WHOLE, _LARGEST = 65535, 1e6
_DPI = (1.0, 100_000.0)
_INCH = 2.54
_OFF = 0.02  # of whole dots per inch in a PNG
_WHEN = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")

Value = str | int | float | tuple[float, ...]


@dataclass(frozen=True)
class Credits:
    """What a picture file tells about its origin.

    Attributes:
        copyright: "" where there is none.
        artist: the author; "" where there is none.
        date: when the photo was taken, "2026:11:29 23:00:00"; "" where that is unknown.
        dpi: dots per inch, across and down; None where the file has none.
        camera: number of an EXIF tag -> its value: camera, lens and exposure.
    """

    copyright: str = ""
    artist: str = ""
    date: str = ""
    dpi: tuple[float, float] | None = None
    camera: Mapping[int, Value] = field(default_factory=dict)

    def kept(self, level: MetadataLevel) -> Self:
        """What of it a picture gets: the resolution alone, without the camera, or all."""
        if level == "none":
            return type(self)(dpi=self.dpi)
        return self if level == "all" else replace(self, camera={})


NO_CREDITS = Credits()


def read_credits(picture: Image.Image) -> Credits:
    """Read the credits of an opened picture, before it is decoded; what is damaged is left out."""
    try:
        main = picture.getexif()
        exposure: Mapping[int, Any] = main.get_ifd(_EXIF)
    except DAMAGED:
        return Credits(dpi=_valid_dpi(picture.info.get("dpi")))

    def text(tag: int, name: str = "") -> str:
        return _text(_entry(main, tag)) or _text(picture.info.get(name))

    date = _text(_entry(exposure, _DATE)) or _text(_entry(main, _DATE))  # TIFF has it among its own tags
    camera = {tag: _value(tag, _entry(main, tag)) for tag in (_MAKE, _MODEL)}
    camera |= {tag: _value(tag, _entry(exposure, tag, main)) for tag in _OF_THE_EXPOSURE}
    return Credits(
        copyright=text(_COPYRIGHT, "Copyright"),
        artist=text(_ARTIST, "Author"),
        date=date if _WHEN.fullmatch(date) else "",
        dpi=_valid_dpi(picture.info.get("dpi")) or _dpi_in(main),
        camera={tag: value for tag, value in camera.items() if value is not None},
    )


def exif_of(credits_: Credits, description: str = "", longest: int | None = None) -> bytes:
    """EXIF with credits and a description; b"" where there is nothing to store.

    Args:
        credits_: of the picture.
        description: ASCII; left out where all would be longer than `longest`.
        longest: bytes that the format takes; None has no limit.
    """
    exif = Image.Exif()
    exposure = exif.get_ifd(_EXIF)
    for tag, value in main_tags(credits_).items():
        exif[tag] = value.encode() if isinstance(value, str) else value  # Pillow itself would write ASCII
    for tag, value in exposure_tags(credits_).items():
        exposure[tag] = value.encode() if isinstance(value, str) else value
    if credits_.dpi is not None:
        exif[_RESOLUTIONS[0]], exif[_RESOLUTIONS[1]] = credits_.dpi
        exif[_UNIT] = _PER_INCH
    short = exif.tobytes() if len(exif) or exposure else b""
    if not description:
        return short
    exif[_DESCRIPTION] = description
    whole = exif.tobytes()
    return whole if longest is None or len(whole) <= longest else short


def main_tags(credits_: Credits) -> dict[int, Value]:
    """Number of a tag of EXIF's first directory -> its value, without the resolution."""
    found: dict[int, Value] = {tag: value for tag, value in credits_.camera.items() if tag in (_MAKE, _MODEL)}
    named = {_ARTIST: credits_.artist, _COPYRIGHT: credits_.copyright}
    return found | {tag: value for tag, value in named.items() if value}


def exposure_tags(credits_: Credits) -> dict[int, Value]:
    """Number of a tag of EXIF's second directory -> its value."""
    found: dict[int, Value] = {tag: value for tag, value in credits_.camera.items() if tag not in (_MAKE, _MODEL)}
    return {**found, _DATE: credits_.date} if credits_.date else found


def _entry(tags: Mapping[int, Any], tag: int, others: Mapping[int, Any] | None = None) -> Any:
    """A value, decoded only here; None where it is absent or damaged."""
    try:
        value = tags.get(tag)
        return others.get(tag) if value is None and others is not None else value
    except DAMAGED:
        return None


def _text(value: object) -> str:
    """A text of EXIF in one line: Pillow takes its bytes for Latin-1, and most programs write UTF-8."""
    if isinstance(value, bytes):
        value = value[: 4 * _LONGEST_TEXT].decode("latin-1")
    if not isinstance(value, str):
        return ""
    value = value[: 4 * _LONGEST_TEXT]
    try:
        value = value.encode("latin-1").decode("utf-8", "ignore" if len(value) == 4 * _LONGEST_TEXT else "strict")
    except UnicodeError:  # it is Latin-1, or was decoded already
        value = value.encode("utf-8", "ignore").decode()
    return " ".join(_CONTROL.sub(" ", value).split())[:_LONGEST_TEXT]


def _value(tag: int, value: object) -> Value | None:
    """A value of a harmless tag; None where it is absent, of another type or out of bounds."""
    if isinstance(value, str | bytes):
        return _text(value) or None
    several = value if isinstance(value, tuple) else (value,)
    if not 0 < len(several) <= _MOST_NUMBERS:
        return None
    numbers = [_number(one, is_signed=tag in _SIGNED) for one in several]
    found = tuple(number for number in numbers if number is not None)
    if len(found) < len(several):
        return None
    return found if isinstance(value, tuple) else found[0]


def _number(value: object, *, is_signed: bool) -> float | None:
    if isinstance(value, int):
        return value if 0 <= value <= _LARGEST_WHOLE else None
    number = _finite(value)
    lowest = -_LARGEST if is_signed else 0.0
    return number if number is not None and lowest <= number <= _LARGEST else None


def _finite(value: object) -> float | None:
    convert: Callable[[Any], float] = float
    try:
        number = convert(value)
    except DAMAGED:
        return None
    return number if math.isfinite(number) else None


def _dpi_in(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    factors = {_PER_INCH: 1.0, _PER_CENTIMETER: _INCH}
    unit = _entry(tags, _UNIT)
    factor = factors.get(unit) if isinstance(unit, int) else None
    found = [_finite(_entry(tags, tag)) for tag in _RESOLUTIONS]
    if factor is None or found[0] is None or found[1] is None:
        return None
    return _valid_dpi((found[0] * factor, found[1] * factor))


def _valid_dpi(value: object) -> tuple[float, float] | None:
    """Two plausible numbers; PNG stores dots per meter, so that whole ones are a little off."""
    if not isinstance(value, tuple) or len(value) != len(_RESOLUTIONS):
        return None
    found = [_finite(one) for one in value]
    across, down = (None if one is None or not _DPI[0] <= one <= _DPI[1] else _rounded(one) for one in found)
    return None if across is None or down is None else (across, down)


def _rounded(dpi: float) -> float:
    return float(round(dpi)) if abs(dpi - round(dpi)) < _OFF else dpi
