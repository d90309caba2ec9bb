"""PNG files with 16 bits for each channel, which Pillow does not write (PNG specification, third edition)."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.uint16]]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {3: 2, 4: 6}  # channels -> RGB, RGB with alpha
_SUB = 1  # each byte less that of the pixel before it
_ROWS = 64  # compressed at a time, so that a large picture needs no second copy
_METERS_PER_INCH = 0.0254
_EXIF_PREFIX = b"Exif\0\0"


def write_deep_png(
    path: Path,
    numbers: Numbers,
    *,
    profile: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    exif: bytes = b"",
    text: tuple[str, str] | None = None,
) -> None:
    """Write a PNG.

    Args:
        path: of the file.
        numbers: (H, W, 3) or (H, W, 4), alpha last and not premultiplied.
        profile: ICC profile.
        dpi: dots per inch, across and down.
        exif: as Pillow makes it, with or without its prefix.
        text: a keyword in ASCII and a text.
    """
    height, width, channels = numbers.shape
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        _write(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOR_TYPES[channels], 0, 0, 0))
        if profile is not None:
            _write(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
        if dpi is not None:
            _write(file, b"pHYs", struct.pack(">IIB", *(round(each / _METERS_PER_INCH) for each in dpi), 1))
        if exif:
            _write(file, b"eXIf", exif.removeprefix(_EXIF_PREFIX))
        if text is not None:
            _write(file, b"iTXt", text[0].encode("ascii") + b"\0\0\0\0\0" + text[1].encode())
        for part in _compressed(numbers):
            _write(file, b"IDAT", part)
        _write(file, b"IEND", b"")


def _compressed(numbers: Numbers) -> Iterator[bytes]:
    height, width, channels = numbers.shape
    stride = 2 * channels
    compressor = zlib.compressobj(6)
    for first in range(0, height, _ROWS):
        rows = np.ascontiguousarray(numbers[first : first + _ROWS].astype(">u2")).view(np.uint8)
        rows = rows.reshape(len(rows), width * stride)
        filtered = np.empty((len(rows), width * stride + 1), np.uint8)
        filtered[:, 0] = _SUB
        filtered[:, 1 : 1 + stride] = rows[:, :stride]
        filtered[:, 1 + stride :] = rows[:, stride:] - rows[:, :-stride]
        part = compressor.compress(filtered.tobytes())
        if part:
            yield part
    yield compressor.flush()


def _write(file: BinaryIO, name: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content)))
