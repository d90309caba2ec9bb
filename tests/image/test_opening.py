import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from rnst.image.files import image_from_bytes, read_image, read_picture

_TURNS = {
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}
_ORIENTATION, _SHORT = 274, 3


def _numbers(channels: int, kind: str) -> Any:
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max + 1, (20, 40, channels)).astype(kind)


@pytest.mark.parametrize("orientation", _TURNS)
@pytest.mark.parametrize(("channels", "kind"), [(1, "uint8"), (1, "uint16"), (3, "uint8"), (4, "uint8")])
def test_uncompressed_tiffs_are_turned(tmp_path: Path, orientation: int, channels: int, kind: str) -> None:
    """From a path as from bytes."""
    stored, path = _numbers(channels, kind), tmp_path / "photo.tif"
    tifffile.imwrite(
        path,
        stored if channels > 1 else stored[..., 0],
        photometric="rgb" if channels > 1 else "minisblack",
        extrasamples=["unassalpha"] if channels > 3 else None,
        extratags=[(_ORIENTATION, _SHORT, 1, orientation, True)],
    )
    picture, expected = read_picture(path), _TURNS[orientation](stored) / np.iinfo(kind).max
    seen = expected[..., 3:] > 0 if channels > 3 else np.ones((40, 20, 1), dtype=bool)
    colors = np.where(seen, np.broadcast_to(expected[..., : min(channels, 3)], (40, 20, 3)), 1.0)
    np.testing.assert_allclose(picture.image[0].permute(1, 2, 0).numpy(), colors, atol=1e-6)
    assert torch.equal(read_image(path), image_from_bytes(path.read_bytes(), "photo"))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bits_in_separate_planes(tmp_path: Path, channels: int, order: Any) -> None:
    stored = np.maximum(_numbers(channels, "uint16"), 1)
    tifffile.imwrite(
        tmp_path / "photo.tif",
        np.moveaxis(stored, 2, 0).copy(),
        photometric="rgb",
        planarconfig="separate",
        extrasamples=["unassalpha"] if channels > 3 else None,
        byteorder=order,
        rowsperstrip=7,
    )
    picture = read_picture(tmp_path / "photo.tif")
    parts = [picture.image] if picture.alpha is None else [picture.image, picture.alpha]
    read = torch.cat(parts, 1)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(read, stored / 65535, atol=1e-6)


def _png(bits: int, color_type: int, row: bytes, key: bytes) -> bytes:
    """A PNG of two pixels of which one value, `key`, is transparent."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 2, 1, bits, color_type, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"tRNS", key), chunk(b"IDAT", zlib.compress(b"\0" + row)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("bits", "color_type", "row", "key"),
    [
        (2, 0, b"\x60", struct.pack(">H", 1)),
        (4, 0, b"\x5a", struct.pack(">H", 5)),
        (8, 0, b"\x05\x0a", struct.pack(">H", 5)),
        (16, 0, struct.pack(">2H", 0x1234, 0x1235), struct.pack(">H", 0x1234)),
        (8, 2, b"\x01\x02\x03\x01\x02\x04", struct.pack(">3H", 1, 2, 3)),
        (16, 2, struct.pack(">6H", 0xFFFF, 0x1234, 0, 0xFFFF, 0x1234, 1), struct.pack(">3H", 0xFFFF, 0x1234, 0)),
    ],
    ids=["gray 2", "gray 4", "gray 8", "gray 16", "color 8", "color 16"],
)
def test_one_transparent_value(tmp_path: Path, bits: int, color_type: int, row: bytes, key: bytes) -> None:
    (tmp_path / "photo.png").write_bytes(_png(bits, color_type, row, key))
    picture = read_picture(tmp_path / "photo.png")
    assert picture.alpha is not None
    assert picture.alpha.flatten().tolist() == [0.0, 1.0]
    assert picture.image[0, :, 0, 0].tolist() == [1.0, 1.0, 1.0]


def test_a_file_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "photo.tif", _numbers(3, "uint8"), photometric="rgb")
    opened: list[io.BufferedReader] = []
    usual = Path.open

    def remembered(path: Path, *arguments: Any, **options: Any) -> Any:
        opened.append(usual(path, *arguments, **options))
        return opened[-1]

    monkeypatch.setattr(Path, "open", remembered)
    read_picture(tmp_path / "photo.tif")
    assert opened
    assert all(file.closed for file in opened)
