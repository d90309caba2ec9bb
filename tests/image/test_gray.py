import io
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rnst.errors import UnreadableFileError
from rnst.image.files import from_pil, read_image


def _tiff_of_12_bits(values: list[int]) -> bytes:
    """One row of an even number of values; tifffile needs another library to pack 12 bits."""
    pairs = zip(values[::2], values[1::2], strict=True)
    packed = b"".join(((first << 12) | second).to_bytes(3, "big") for first, second in pairs)
    tags = [
        *[(256, 3, len(values)), (257, 3, 1), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8)],
        *[(277, 3, 1), (278, 3, 1), (279, 4, len(packed))],
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    start = 8 + len(packed)
    return struct.pack("<2sHI", b"II", 42, start) + packed + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_12_bit_gray__white_is_4095(tmp_path: Path) -> None:
    (tmp_path / "scan.tif").write_bytes(_tiff_of_12_bits([0, 1, 2048, 4095]))
    read = read_image(tmp_path / "scan.tif")[0, 0, 0]
    torch.testing.assert_close(read, torch.tensor([0, 1, 2048, 4095]) / 4095)


@pytest.mark.parametrize("kind", [np.int32, np.uint16, np.dtype(">u2")], ids=["I", "I;16", "I;16B"])
def test_from_pil__white_of_integers_is_65535(kind: type) -> None:
    numbers = np.array([[0, 200, 40000, 65535]])
    mode = {"int32": "I", "uint16": "I;16", ">u2": "I;16B"}[str(np.dtype(kind))]
    image = Image.frombytes(mode, (4, 1), numbers.astype(kind).tobytes())
    torch.testing.assert_close(from_pil(image)[0, 1], torch.from_numpy(numbers / 65535).float())


def test_from_pil__of_a_file_is_what_the_file_is(tmp_path: Path) -> None:
    """Nothing is compressed once more, and integers have the range of their file."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "jpeg.tif", compression="jpeg", quality=30)
    Image.fromarray(pixels[..., 0].astype(np.int32) << 20).save(tmp_path / "signed.tif")
    (tmp_path / "scan.tif").write_bytes(_tiff_of_12_bits([0, 1, 2048, 4095]))
    for path in tmp_path.iterdir():
        with Image.open(path) as picture:
            assert torch.equal(from_pil(picture), read_image(path)), path.name


def test_from_pil__refuses_what_is_empty_or_damaged() -> None:
    with pytest.raises(UnreadableFileError, match="the PIL image as a picture: it is empty"):
        from_pil(Image.new("RGB", (0, 5)))
    file = io.BytesIO()
    Image.new("RGB", (40, 40)).save(file, "JPEG")
    with pytest.raises(UnreadableFileError, match="truncated"):
        from_pil(Image.open(io.BytesIO(file.getvalue()[:-20])))
