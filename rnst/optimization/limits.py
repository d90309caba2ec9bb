"""Parsing and validation of the user's limits on tiles and memory. Imports no torch, so that `--help` is fast."""

import math
import re

from rnst.errors import InvalidValueError

_PREFIXES = ("", "K", "M", "G", "T")
_SMALLEST_TILE = 32


def parse_memory(text: str) -> float:
    """Bytes of a size such as 8GB, 500 MB or 1.5e9.

    Raises:
        InvalidValueError: the text is not a size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*([KMGT]?)(i?)B?\s*", text, re.IGNORECASE)
    if match is None or float(match[1]) == 0.0:
        raise InvalidValueError("--memory", text, "a size as 8GB or 500MB")
    base = 1024.0 if match[3] else 1000.0
    return float(match[1]) * math.pow(base, _PREFIXES.index(match[2].upper()))


def check_limits(tile: int | None, memory: str | None) -> None:
    """Validate the limits.

    Raises:
        InvalidValueError: the side of a tile or the memory is out of range.
    """
    if tile is not None and tile != 0 and tile < _SMALLEST_TILE:
        raise InvalidValueError("--tile", tile, f"0, or at least {_SMALLEST_TILE} pixels")
    if memory is not None:
        parse_memory(memory)
