"""Color pictures with 16 bits for each channel, of which Pillow keeps 8."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rnst.image.opening import open_picture

Pixels = np.ndarray[Any, np.dtype[np.float32]]

_BYTES = 256.0
_LARGEST = 65535.0
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_DEEP = {
    f"{mode};16{order}": f"{mode};16{other}"
    for mode in ("RGB", "RGBA", *"RGBA")  # of one plane: a letter
    for order, other in _OTHER_ORDER.items()
}  # how the numbers of a file are stored -> the other order of their bytes


def low_bytes(source: Path | io.BytesIO) -> Image.Image | None:
    """The low bytes of a color picture of 16 bits; None for other pictures.

    Pillow keeps the high byte of each number. In the other order of bytes, it keeps the low one.
    """
    with open_picture(source if isinstance(source, Path) else io.BytesIO(source.getvalue())) as picture:
        tiles = getattr(picture, "tile", [])
        orders = [_DEEP.get(_order_of(tile.args)) for tile in tiles]
        if not orders or None in orders:
            return None
        picture.tile = [  # type: ignore[attr-defined]  # of every picture in a file
            tile._replace(args=(order, *tile.args[1:]) if isinstance(tile.args, tuple) else order)
            for tile, order in zip(tiles, orders, strict=True)
        ]
        picture.load()
        return picture.copy()


def joined(high: Image.Image, low: Image.Image) -> Pixels:
    """Both bytes of each number as (H, W, channels) in [0, 1]."""
    numbers: Pixels = np.asarray(high, dtype=np.float32) * np.float32(_BYTES)
    numbers += np.asarray(low, dtype=np.float32)
    numbers /= np.float32(_LARGEST)
    return numbers


def alpha_of_key(numbers: Pixels, key: tuple[int, ...]) -> Pixels:
    """Alpha (H, W) of `joined` numbers of which one color of 16-bit values, `key`, is transparent."""
    is_other = numbers != np.asarray(key, dtype=np.float32) / np.float32(_LARGEST)
    alpha: Pixels = is_other.any(axis=2).astype(np.float32)
    return alpha


def _order_of(arguments: Any) -> str:
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""
