"""What each format of pictures can hold, by the ending of the file's name. Imports no torch, so that help is quick."""

from pathlib import Path

from rnst.errors import InvalidValueError

QUALITY = 95
"""Of JPEG and WebP where none is given, 1 to 100."""
LONGEST_SIDES = {
    ".png": 2**31 - 1,
    ".jpg": 65535,
    ".jpeg": 65535,
    ".webp": 16383,
    ".tif": 2**31 - 1,
    ".tiff": 2**31 - 1,
}
"""Ending -> pixels of the longest side that the format holds."""


def check_format(path: Path, long_side: int = 1) -> None:
    """Raise InvalidValueError unless `path` ends as a picture that can be written with that many pixels on a side."""
    longest = LONGEST_SIDES.get(path.suffix.lower())
    if longest is None:
        raise InvalidValueError("output", str(path), f"a file name that ends in one of {', '.join(LONGEST_SIDES)}")
    if long_side > longest:
        wanted = f"a .png or .tif for {long_side} pixels: this format ends at {longest}"
        raise InvalidValueError("output", str(path), wanted)
