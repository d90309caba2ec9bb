import io
import json
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from rnst.errors import InvalidValueError, UnreadableFileError
from rnst.image.endings import check_format
from rnst.image.files import Picture, read_image, read_picture, write_image
from rnst.image.profiles import SRGB

_SWAPPED = SRGB.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")  # red is blue, and back


def _smooth(height: int = 16, width: int = 24) -> torch.Tensor:
    rows, columns = torch.linspace(0.2, 0.8, height), torch.linspace(0.1, 0.9, width)
    return torch.stack([rows[:, None] * columns, rows[:, None].expand(-1, width), columns.expand(height, -1)])[None]


def test_16_bit_gray_keeps_its_digits(tmp_path: Path) -> None:
    numbers = np.arange(24, dtype=np.uint16).reshape(4, 6) + 30000
    Image.fromarray(numbers).save(tmp_path / "gray.png")
    image = read_image(tmp_path / "gray.png")
    assert torch.equal((image[0, 0] * 65535).round(), torch.from_numpy(numbers.astype(np.float32)))


@pytest.mark.parametrize("largest", [1.0, 255.0, 65535.0])
def test_floating_point_gray(tmp_path: Path, largest: float) -> None:
    numbers = np.linspace(0, largest, 24, dtype=np.float32).reshape(4, 6)
    Image.fromarray(numbers).save(tmp_path / "gray.tif")
    torch.testing.assert_close(read_image(tmp_path / "gray.tif")[0, 1], torch.from_numpy(numbers / largest))


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_16_bit_color_is_read(tmp_path: Path, ending: str) -> None:
    image = _smooth()
    write_image(image, tmp_path / "color.tif")
    path = tmp_path / f"color{ending}"
    if ending == ".png":
        _write_16_bit_png(tifffile.imread(tmp_path / "color.tif"), path)
    assert (read_image(path) - image).abs().max() < 1 / 255


def _write_16_bit_png(numbers: Any, path: Path) -> None:
    """Pillow writes no such file; the format is short enough to be written by hand."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, _ = numbers.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in numbers)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def test_tiff_has_16_bits(tmp_path: Path) -> None:
    image = torch.rand(1, 3, 7, 5)
    write_image(image, tmp_path / "picture.tif", {"steps": 3}, like=Picture(image, torch.rand(1, 1, 7, 5), SRGB))
    numbers = tifffile.imread(tmp_path / "picture.tif")
    assert numbers.dtype == np.uint16
    assert numbers.shape == (7, 5, 4)
    colors = torch.from_numpy(numbers[..., :3].astype(np.float32)).permute(2, 0, 1) / 65535
    torch.testing.assert_close(colors, image[0], rtol=0.0, atol=0.51 / 65535)
    with Image.open(tmp_path / "picture.tif") as picture:
        assert picture.info["icc_profile"] == SRGB


@pytest.mark.parametrize("ending", [".png", ".webp", ".tif"])
def test_alpha_is_kept_aside_and_put_back(tmp_path: Path, ending: str) -> None:
    pixels = np.full((16, 24, 4), (200, 100, 50, 255), dtype=np.uint8)
    pixels[:8, :, 3], pixels[8:12, :, 3] = 0, 128
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    photo = read_picture(tmp_path / "photo.png")
    assert photo.alpha is not None
    assert photo.image[0, :, 0, 0].tolist() == [1.0, 1.0, 1.0], "what nobody sees is white"
    assert (photo.image[0, :, 9, 0] * 255).round().tolist() == [200, 100, 50], "what shines through is not mixed"
    write_image(torch.rand(1, 3, 32, 48), tmp_path / f"new{ending}", like=photo)
    written = read_picture(tmp_path / f"new{ending}").alpha
    assert written is not None
    assert written.shape == (1, 1, 32, 48)
    for row, alpha in ((2, 0.0), (20, 0.5), (30, 1.0)):
        assert float(written[0, 0, row, 5]) == pytest.approx(alpha, abs=0.01)


def test_alpha__a_jpeg_is_laid_over_white(tmp_path: Path) -> None:
    photo = Picture(torch.zeros(1, 3, 16, 16), torch.full((1, 1, 16, 16), 0.25))
    write_image(photo.image, tmp_path / "picture.jpg", like=photo)
    assert float(read_image(tmp_path / "picture.jpg").mean()) == pytest.approx(0.75, abs=0.01)


def test_alpha__that_hides_nothing_is_none(tmp_path: Path) -> None:
    Image.new("RGBA", (6, 4), (1, 2, 3, 255)).save(tmp_path / "photo.png")
    assert read_picture(tmp_path / "photo.png").alpha is None


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp"])
def test_profile__is_put_back(tmp_path: Path, ending: str) -> None:
    """Where numbers mean other colors, the written numbers are other ones, and the picture looks the same."""
    Image.new("RGB", (32, 24), (250, 40, 30)).save(tmp_path / "photo.png", icc_profile=_SWAPPED)
    photo = read_picture(tmp_path / "photo.png")
    assert photo.profile == _SWAPPED
    write_image(photo.image, tmp_path / f"new{ending}", like=photo)
    with Image.open(tmp_path / f"new{ending}") as written:
        assert written.info["icc_profile"] == _SWAPPED
        pixel = written.convert("RGB").getpixel((3, 3))
    assert isinstance(pixel, tuple)
    assert max(abs(a - b) for a, b in zip(pixel, (250, 40, 30), strict=True)) < 8
    assert (read_image(tmp_path / f"new{ending}") - photo.image).abs().max() < 0.04


def test_profile__none_stays_none(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4)).save(tmp_path / "plain.png")
    plain = read_picture(tmp_path / "plain.png")
    assert plain.profile is None
    write_image(plain.image, tmp_path / "new.png", like=plain)
    with Image.open(tmp_path / "new.png") as written:
        assert "icc_profile" not in written.info


def test_profile__of_a_palette(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4), (255, 0, 0)).quantize(4).save(tmp_path / "photo.png", icc_profile=_SWAPPED)
    assert float(read_image(tmp_path / "photo.png")[0, 2].mean()) > 0.9


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png", ".tif"])
def test_animation__the_first_frame_and_how_many_there_are(tmp_path: Path, ending: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "green", "blue")]
    options: dict[str, Any] = {"lossless": True}
    frames[0].save(tmp_path / f"film{ending}", save_all=True, append_images=frames[1:], **options)
    film = read_picture(tmp_path / f"film{ending}")
    assert film.frames == 3
    assert film.image[0, :, 3, 3].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("ending", [".jpg", ".webp", ".tif"])
def test_settings_in_the_description(tmp_path: Path, ending: str) -> None:
    settings = {"content": "t\u00fcbingen.jpg", "output": Path("out"), "steps": 300}
    write_image(torch.rand(1, 3, 8, 8), tmp_path / f"picture{ending}", settings)
    with Image.open(tmp_path / f"picture{ending}") as picture:
        assert json.loads(picture.getexif()[0x010E]) == {**settings, "output": "out"}


@pytest.mark.parametrize("ending", [".jpg", ".webp"])
def test_quality(tmp_path: Path, ending: str) -> None:
    image = torch.rand(1, 3, 64, 64)
    sizes = []
    for quality in (20, 95):
        write_image(image, tmp_path / f"picture{ending}", quality=quality)
        sizes.append((tmp_path / f"picture{ending}").stat().st_size)
    assert sizes[0] < 0.6 * sizes[1]


def test_check_format__no_more_pixels_than_it_holds() -> None:
    check_format(Path("picture.webp"), 16383)
    with pytest.raises(InvalidValueError, match=r"\.png or \.tif for 16384 pixels: this format holds at most 16383"):
        check_format(Path("picture.webp"), 16384)
    with pytest.raises(InvalidValueError, match=r"--size is 2147483648, but must be at most 2147483647 pixels"):
        check_format(Path("picture.png"), 2**31)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (20000, 10000)).save(path)
    with pytest.raises(UnreadableFileError, match="200000000 pixels"):
        read_picture(path)


@pytest.mark.parametrize("name", ["png", "jpg", "webp", "tif", "gif", "bmp"])
def test_damage_never_ends_in_another_error(tmp_path: Path, name: str) -> None:
    """Bytes overwritten at random: the file is still read, or refused in one line."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8))
    stored = io.BytesIO()
    picture.save(
        stored, format={"jpg": "jpeg", "tif": "tiff"}.get(name, name), **({"exif": b""} if name == "x" else {})
    )
    generator = random.Random(0)  # noqa: S311 - damage, not a secret
    path = tmp_path / f"picture.{name}"
    refused = []
    for _ in range(150):
        content = bytearray(stored.getvalue())
        for _ in range(generator.randint(1, 6)):
            content[generator.randrange(min(len(content), 400))] = generator.randrange(256)
        path.write_bytes(content[: generator.randint(10, len(content))] if generator.random() < 0.2 else content)
        try:
            image = read_image(path)
            assert 0.0 <= image.min() <= image.max() <= 1.0
        except UnreadableFileError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in message for message in refused)
