import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from rnst.image.files import Picture, image_from_bytes, read_picture, write_image
from rnst.image.profiles import SRGB, is_srgb

_SWAPPED = SRGB.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")  # red is blue, and back
_LINEAR = "curv", struct.pack(">IH", 1, 256) + b"\0\0"


def _tag(kind: str, content: bytes) -> bytes:
    return kind.encode() + bytes(4) + content


def _gray_profile() -> bytes:
    """A profile for gray whose numbers are proportional to light (ICC.1:2010)."""
    white = struct.pack(">3i", 63190, 65536, 54061)
    tags = {
        b"desc": _tag("desc", struct.pack(">I", 5) + b"gray\0" + bytes(78)),
        b"cprt": _tag("text", b"none\0\0\0\0"),
        b"wtpt": _tag("XYZ ", white),
        b"kTRC": _tag(*_LINEAR),
    }
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4xI", start + len(data), 0x02400000) + b"mntrGRAYXYZ "
    return header + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white + bytes(48) + table + data


def _with_gamma(gamma: float) -> bytes:
    """The sRGB profile with a power as its tone curve."""
    start, size = next(
        struct.unpack(">II", SRGB[at + 4 : at + 12]) for at in range(132, 400, 12) if SRGB[at : at + 4] == b"rTRC"
    )
    curve = _tag("para", struct.pack(">HHi", 0, 0, round(gamma * 65536)))
    return SRGB[:start] + curve + bytes(size - len(curve)) + SRGB[start + size :]


def test_srgb__has_the_same_bytes_in_every_process() -> None:
    program = "from rnst.image.profiles import SRGB; print(SRGB.hex())"
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own program
    assert said.strip() == SRGB.hex()


def test_is_srgb__by_its_colors() -> None:
    named = SRGB[:24] + struct.pack(">6H", 1998, 2, 9, 6, 49, 0) + SRGB[36:84] + bytes(range(16)) + SRGB[100:]
    assert is_srgb(named)
    for other in (_SWAPPED, _with_gamma(2.2), _with_gamma(1.8), _gray_profile(), b"no profile"):
        assert not is_srgb(other)


@pytest.mark.parametrize("ending", [".tif", ".png"])
def test_16_bits_are_kept_in_srgb_of_another_program(tmp_path: Path, ending: str) -> None:
    image, alike = torch.rand(1, 3, 7, 5), SRGB[:24] + struct.pack(">6H", 1998, 2, 9, 6, 49, 0) + SRGB[36:]
    path = tmp_path / f"photo{ending}"
    write_image(image, path, depth=16, like=Picture(image, None, SRGB))
    content = path.read_bytes()
    if ending == ".tif":
        assert content.count(SRGB) == 1
        path.write_bytes(content.replace(SRGB, alike))
    assert (read_picture(path).image - image).abs().max() < 0.51 / 65535 + 1e-7


def test_a_profile_that_is_not_srgb_is_converted(tmp_path: Path) -> None:
    numbers = np.full((4, 6, 3), (65535, 0, 0), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "photo.tif", numbers, photometric="rgb", iccprofile=_SWAPPED)
    photo = read_picture(tmp_path / "photo.tif")
    assert photo.profile == _SWAPPED
    assert float(photo.image[0, 2].min()) > 0.98


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "keyed"])
def test_a_profile_for_gray__counts_however_gray_is_stored(mode: str) -> None:
    profile, picture = _gray_profile(), Image.new("L", (4, 4), 55)
    ImageCms.ImageCmsProfile(io.BytesIO(profile))
    options = {"transparency": 3} if mode == "keyed" else {}
    file = io.BytesIO()
    (picture if mode == "keyed" else picture.convert(mode)).save(file, "PNG", icc_profile=profile, **options)
    assert (image_from_bytes(file.getvalue(), "gray") * 255).round().unique().tolist() == [128.0]


def test_a_profile_for_gray__does_not_gray_colors() -> None:
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (55, 60, 70)).save(file, "PNG", icc_profile=_gray_profile())
    assert (image_from_bytes(file.getvalue(), "color")[0, :, 0, 0] * 255).round().tolist() == [55, 60, 70]


def test_16_bit_gray_with_a_profile_keeps_its_transparency(tmp_path: Path) -> None:
    numbers = np.array([[1000, 40000]], dtype=np.uint16)
    Image.fromarray(numbers).save(tmp_path / "gray.png", icc_profile=_gray_profile(), transparency=1000)
    alpha = read_picture(tmp_path / "gray.png").alpha
    assert alpha is not None
    assert alpha.flatten().tolist() == [0.0, 1.0]
