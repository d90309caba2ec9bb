"""Gray pictures of more than 8 bits, as scanners, cameras and programs of science write them, scaled to [0, 1]."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

Pixels = np.ndarray[Any, np.dtype[np.float32]]

_UNSIGNED = ("I;16", "I;16L", "I;16B", "I;16N")
DEEP_MODES = (*_UNSIGNED, "I", "F")
"""Modes of Pillow with more than 8 bits for each pixel."""

_LARGEST_8_BIT, _LARGEST_16_BIT = 255.0, 65535.0
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
_WHITE_IS_ZERO, _SIGNED = 0, 2  # values of the last two
_BRIGHTEST = 16.0  # up to here, floats are taken for shares of white with highlights beyond it


def gray_values(picture: Image.Image, tags: Mapping[int, Any]) -> Pixels:
    """Gray values (H, W) in [0, 1] of a picture in one of DEEP_MODES. Pillow would clip them at 255.

    Integers are scaled by the range of their type or number of bits, signed ones from its lowest value. Floats have no
    range of their own, see `_scale_of_floats`; infinite ones become black or white, and NaN black.

    Args:
        picture: in one of DEEP_MODES.
        tags: of a TIFF, by number.
    """
    numbers: Any = np.asarray(picture)
    if picture.mode == "F":
        scaled = numbers / np.float32(_scale_of_floats(numbers))
    elif picture.mode == "I" and _first(tags, _BITS) in {16, 32}:
        scaled = _scaled_integers(numbers, _first(tags, _BITS), is_signed=_first(tags, _SAMPLE_FORMAT) == _SIGNED)
    else:
        bits = _first(tags, _BITS) if picture.mode in _UNSIGNED else None  # 12 or 16, both as 16
        scaled = numbers.astype(np.float32) / np.float32(2**bits - 1 if bits else _LARGEST_16_BIT)
    if picture.mode != "F" and _first(tags, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        scaled = 1.0 - scaled
    gray: Pixels = np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0).astype(np.float32)
    return gray


def _scaled_integers(numbers: Any, bits: int, *, is_signed: bool) -> Any:
    """Integers of a TIFF, which Pillow stores as int32, by the range of their type in the file."""
    largest = float(2**bits - 1)
    if is_signed:
        return (numbers.astype(np.float64) + (largest + 1.0) / 2.0) / largest
    return (numbers.astype(np.int64) % int(largest + 1.0)) / largest


def _scale_of_floats(numbers: Any) -> float:
    """What is white: 1, 255 or 65535, by the finite values.

    A highest value somewhat above one of these is a highlight, or was made by resampling, and is clipped.
    """
    highest = float(np.max(numbers, initial=0.0, where=np.isfinite(numbers)))
    if highest <= _BRIGHTEST:
        return 1.0
    return _LARGEST_8_BIT if highest <= 2.0 * _LARGEST_8_BIT else _LARGEST_16_BIT


def _first(tags: Mapping[int, Any], number: int) -> Any:
    """The first value of a tag; None where there is none."""
    value = tags.get(number)
    return value[0] if isinstance(value, tuple) and value else value
