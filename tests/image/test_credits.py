"""What is kept of a photo in each format: credits, resolution, profile, depth and transparency."""

import contextlib
import io
import random
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rnst.errors import InvalidValueError, MissingExtraError
from rnst.image.credits import NO_CREDITS, Credits, exif_of, read_credits
from rnst.image.endings import LONGEST_SIDES, Depth, check_format
from rnst.image.files import Picture, read_picture, write_image
from rnst.image.metadata import read_settings
from rnst.image.profiles import SRGB

_CREDITS = Credits(
    copyright="© 2026 Ännë Müller",
    artist="Ännë Müller",
    date="2026:11:29 23:00:01",
    dpi=(300.0, 240.0),
    camera={0x010F: "Maker", 0x829A: 0.004, 0x829D: 2.8, 0x8827: 400, 0x9204: -0.5, 0xA432: (24.0, 70.0, 2.8, 4.0)},
)
_FORMATS = [".png", ".jpg", ".webp", ".avif", ".heic", ".tif"]


def _smooth(height: int = 40, width: int = 64) -> torch.Tensor:
    rows, columns = torch.linspace(0.2, 0.8, height), torch.linspace(0.1, 0.9, width)
    return torch.stack([rows[:, None] * columns, rows[:, None].expand(-1, width), columns.expand(height, -1)])[None]


def _photo(path: Path) -> Path:
    """A photo as a camera writes it, with a place, an owner, a serial number, a thumbnail and an orientation."""
    exif = Image.Exif()
    exif[0x013B], exif[0x010F], exif[0x0112], exif[0x013C] = "Ann", "Maker", 6, "Ann's computer"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    exif.get_ifd(0x8769)[0xA431] = "serial 4711"
    exif.get_ifd(0x8769)[0xA430] = "owner Ann"
    Image.fromarray((_smooth()[0].permute(1, 2, 0) * 255).byte().numpy()).save(path, exif=exif)
    return path


@pytest.mark.parametrize(("ending", "depth"), [*((one, 8) for one in _FORMATS), (".png", 16), (".tif", 16)])
def test_everything_is_kept_in_each_format(tmp_path: Path, ending: str, depth: Depth) -> None:
    image, alpha, settings = _smooth(), torch.ones(1, 1, 40, 64), {"steps": 3, "style": "päth.png"}
    alpha[..., :32] = 0.0
    path = tmp_path / f"picture{ending}"
    write_image(image, path, settings, depth=depth, like=Picture(image, alpha, SRGB), credits_=_CREDITS)
    read = read_picture(path)
    assert replace(read.credits, camera={}) == replace(_CREDITS, camera={})
    assert read.credits.camera.keys() == _CREDITS.camera.keys()
    for tag, value in _CREDITS.camera.items():
        assert read.credits.camera[tag] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-3))
    assert read_settings(path) == settings
    assert read.profile == SRGB
    error = (read.image - image)[..., 34:].abs()
    assert error.max() < (0.51 / 65535 if depth == 16 else 0.51 / 255 if ending in {".png", ".tif"} else 0.06)
    assert (read.alpha is None) == (ending == ".jpg")
    if read.alpha is not None:
        assert read.alpha[..., :30].max() < 0.02
        assert read.alpha[..., 34:].min() > 0.98
    with Image.open(path) as opened:
        assert 0x0112 not in opened.getexif()


@pytest.mark.parametrize("ending", _FORMATS)
def test_nothing_is_made_up(tmp_path: Path, ending: str) -> None:
    write_image(_smooth(), tmp_path / f"picture{ending}")
    assert read_picture(tmp_path / f"picture{ending}").credits == NO_CREDITS


@pytest.mark.parametrize("ending", _FORMATS)
def test_places_owners_and_serial_numbers_are_never_read(tmp_path: Path, ending: str) -> None:
    photo = read_picture(_photo(tmp_path / f"photo{ending}"))
    assert photo.credits.artist == "Ann"
    write_image(photo.image, tmp_path / "new.jpg", credits_=photo.credits)
    content = (tmp_path / "new.jpg").read_bytes()
    assert b"Maker" in content
    assert not [word for word in (b"serial", b"owner", b"Ann's") if word in content]
    with Image.open(tmp_path / "new.jpg") as opened:
        assert not opened.getexif().get_ifd(0x8825)
        assert 0x0112 not in opened.getexif()


def test_levels() -> None:
    assert _CREDITS.kept("none") == Credits(dpi=_CREDITS.dpi)
    assert _CREDITS.kept("settings") == replace(_CREDITS, camera={})
    assert _CREDITS.kept("all") == _CREDITS


def test_texts_are_bounded_and_in_one_line(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x8298], exif[0x013B] = b"One\0Two\n" + b"\xc3\xa9" * 40_000, b"Caf\xe9"
    exif.get_ifd(0x8769)[0x9003] = "yesterday"
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png", exif=exif)
    found = read_picture(tmp_path / "photo.png").credits
    assert found.copyright.startswith("One Two é")
    assert len(found.copyright) <= 500
    assert found.artist == "Café"
    assert not found.date


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 300), (float("nan"), 300)])
def test_a_resolution_that_cannot_be_is_none(dpi: tuple[float, float]) -> None:
    picture = Image.new("RGB", (8, 8))
    picture.info["dpi"] = dpi
    assert read_credits(picture).dpi is None


def test_settings_that_are_too_long_for_a_jpeg_leave_the_credits(tmp_path: Path) -> None:
    write_image(_smooth(), tmp_path / "picture.jpg", {"long": "x" * 70_000}, credits_=_CREDITS)
    assert read_picture(tmp_path / "picture.jpg").credits.artist == _CREDITS.artist
    assert read_settings(tmp_path / "picture.jpg") == {}


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
def test_damaged_exif_never_ends_in_an_error(tmp_path: Path, ending: str) -> None:
    """Bytes of the EXIF alone are overwritten at random; what is read can be written into every format."""
    generator = random.Random(0)  # noqa: S311 - damage, not a secret
    content = bytearray(exif_of(_CREDITS))
    stored = _photo(tmp_path / f"photo{ending}").read_bytes()
    place = stored.find(b"Maker")
    assert place > 0
    for _ in range(300):
        damaged, exif = bytearray(stored), content.copy()
        for _ in range(generator.randint(1, 8)):
            exif[generator.randrange(6, len(exif))] = generator.randrange(256)
            damaged[max(0, place + generator.randrange(-200, 200)) % len(stored)] = generator.randrange(256)
        for picture in _opened(bytes(damaged), bytes(exif)):
            with warnings.catch_warnings(action="ignore"):
                found = read_credits(picture)
            for one in (found.copyright, found.artist, found.date):
                assert len(one) <= 500
                assert "\0" not in one
            exif_of(found)
            write_image(torch.zeros(1, 3, 2, 2), tmp_path / "new.tif", credits_=found)


def _opened(damaged: bytes, exif: bytes) -> list[Image.Image]:
    found = [Image.new("RGB", (2, 2))]
    found[0].info["exif"] = exif
    with (
        contextlib.suppress(OSError, ValueError, SyntaxError, Image.DecompressionBombError),
        warnings.catch_warnings(action="ignore"),
    ):
        found.append(Image.open(io.BytesIO(damaged)))
    return found


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("width", [1, 5])
def test_16_bits_are_read_back_to_the_last_bit(tmp_path: Path, channels: int, width: int) -> None:
    numbers = np.random.default_rng(0).integers(0, 65536, (130, width, channels), dtype=np.uint16)
    image = torch.from_numpy(numbers[..., :3].astype(np.float32) / 65535).permute(2, 0, 1)[None]
    alpha = None if channels == 3 else torch.from_numpy(numbers[..., 3].astype(np.float32) / 65535)[None, None]
    for name in ("deep.png", "deep.tif"):
        write_image(image, tmp_path / name, depth=16, like=Picture(image, alpha))
        read = read_picture(tmp_path / name)
        shown = image if alpha is None else torch.where(alpha > 0, image, 1.0)
        assert torch.equal((read.image * 65535).round(), (shown * 65535).round())
        assert alpha is None or (read.alpha is not None and torch.equal(read.alpha, alpha))


def test_8_bits_in_a_tiff(tmp_path: Path) -> None:
    write_image(_smooth(), tmp_path / "deep.tif")
    write_image(_smooth(), tmp_path / "flat.tif", depth=8)
    with Image.open(tmp_path / "flat.tif") as flat:
        assert np.array_equal(np.asarray(flat), (_smooth()[0].permute(1, 2, 0) * 255).round().byte().numpy())
    assert (read_picture(tmp_path / "deep.tif").image - _smooth()).abs().max() < 1e-5


@pytest.mark.parametrize("ending", [".jpg", ".webp", ".avif", ".heic"])
def test_16_bits_are_refused_where_there_are_none(ending: str) -> None:
    with pytest.raises(InvalidValueError, match=r"--depth is 16, but must be 8 for a\S+: only \.png and \.tif hold 16"):
        check_format(Path(f"a{ending}"), 64, 16)


def test_heic_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"HEIC picture a\.heic needs the extra 'heic'"):
        check_format(Path("a.heic"))


@pytest.mark.parametrize("ending", [".avif", ".heic"])
def test_the_longest_side_can_be_written_and_read(tmp_path: Path, ending: str) -> None:
    longest = LONGEST_SIDES[ending]
    write_image(torch.full((1, 3, 64, longest), 0.5), tmp_path / f"long{ending}", quality=30)
    assert read_picture(tmp_path / f"long{ending}").size == (64, longest)
    with pytest.raises(InvalidValueError, match=f"this format holds at most {longest}"):
        check_format(Path(f"long{ending}"), longest + 1)


@pytest.mark.parametrize("ending", [".avif", ".heic"])
def test_quality(tmp_path: Path, ending: str) -> None:
    sizes = []
    for quality in (20, 95):
        write_image(torch.rand(1, 3, 64, 64), tmp_path / f"picture{ending}", quality=quality)
        sizes.append((tmp_path / f"picture{ending}").stat().st_size)
    assert sizes[0] < 0.6 * sizes[1]
