import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from torch import Tensor

from rnst.errors import InvalidValueError, MissingPathError, UnreadableFileError
from rnst.image.files import fit_long_side, read_image, reduced, resize, to_bytes, write_image


def _color(image: Tensor) -> list[int]:
    """The one color of a picture in bytes."""
    assert image.shape[:2] == (1, 3)
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    colors = (image * 255).round().flatten(2).unique(dim=2)
    assert colors.shape[2] == 1, "more than one color"
    return [int(value) for value in colors.flatten()]


def _read(picture: Image.Image, path: Path, **options: object) -> Tensor:
    picture.save(path, **options)  # type: ignore[arg-type]  # each format has options of its own
    return read_image(path)


def _sixteen_bit(value: int) -> Image.Image:
    return Image.fromarray(np.full((4, 6), value, dtype=np.uint16))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.new("RGB", (6, 4), (1, 2, 3)), [1, 2, 3]),
        (Image.new("L", (6, 4), 77), [77] * 3),
        (Image.new("1", (6, 4), 1), [255] * 3),
        (Image.new("RGB", (6, 4), (1, 2, 3)).quantize(4), [1, 2, 3]),
        (_sixteen_bit(65535), [255] * 3),
        (_sixteen_bit(40000), [156] * 3),
        (_sixteen_bit(200), [1] * 3),
        (Image.new("RGBA", (6, 4), (255, 0, 0, 255)), [255, 0, 0]),
        (Image.new("RGBA", (6, 4), (255, 0, 0, 0)), [255, 255, 255]),
        (Image.new("RGBA", (6, 4), (0, 0, 0, 51)), [204, 204, 204]),
        (Image.new("LA", (6, 4), (0, 51)), [204, 204, 204]),
    ],
    ids=[
        "rgb",
        "grey",
        "1 bit",
        "palette",
        "16 bit white",
        "16 bit",
        "16 bit dark",
        "opaque",
        "clear",
        "alpha",
        "grey alpha",
    ],
)
def test_read__modes(tmp_path: Path, picture: Image.Image, expected: list[int]) -> None:
    image = _read(picture, tmp_path / "picture.png")
    assert image.shape == (1, 3, 4, 6)
    assert _color(image) == expected


def test_read__transparent_palette_entry_is_white(tmp_path: Path) -> None:
    picture = Image.new("P", (6, 4), 1)
    picture.putpalette([0, 0, 0, 9, 8, 7])
    assert _color(_read(picture, tmp_path / "solid.png")) == [9, 8, 7]
    assert _color(_read(picture, tmp_path / "clear.png", transparency=1)) == [255, 255, 255]


def test_read__cmyk(tmp_path: Path) -> None:
    image = _read(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), tmp_path / "picture.jpg")
    assert (image.mean((0, 2, 3)) - torch.tensor([1.0, 0.0, 0.0])).abs().max() < 0.04


@pytest.mark.parametrize("orientation", range(1, 9))
def test_read__orientation_tag(tmp_path: Path, orientation: int) -> None:
    upright = torch.rand(1, 3, 4, 6)
    upright = (upright * 255).round() / 255
    # What a camera that was held otherwise stores: the picture that its tag turns back.
    stored = {
        1: upright,
        2: upright.flip(3),
        3: upright.flip(2, 3),
        4: upright.flip(2),
        5: upright.transpose(2, 3),
        6: upright.rot90(1, (2, 3)),
        7: upright.flip(2, 3).transpose(2, 3),
        8: upright.rot90(-1, (2, 3)),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    torch.testing.assert_close(_read(Image.fromarray(to_bytes(stored)), tmp_path / "picture.png", exif=exif), upright)


def test_read__color_profile_is_converted(tmp_path: Path) -> None:
    """In a profile whose red and blue are swapped, a stored red is a blue."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    red = Image.new("RGB", (6, 4), (255, 0, 0))
    assert _color(_read(red, tmp_path / "plain.png", icc_profile=srgb)) == [255, 0, 0]
    color = _color(_read(red, tmp_path / "swapped.png", icc_profile=swapped))
    assert color[2] > 250 > 30 > color[0]


def test_read__a_damaged_color_profile_is_ignored(tmp_path: Path) -> None:
    picture = Image.new("RGB", (6, 4), (1, 2, 3))
    assert _color(_read(picture, tmp_path / "picture.png", icc_profile=b"no profile")) == [1, 2, 3]


@pytest.mark.parametrize("content", [b"this is a text", b""], ids=["text", "empty"])
def test_read__no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "picture.jpg").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"cannot read .*picture\.jpg as a picture: not a picture"):
        read_image(tmp_path / "picture.jpg")


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif"])
def test_read__a_cut_picture(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"picture{ending}"
    write_image(torch.rand(1, 3, 40, 40), path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(UnreadableFileError):
        read_image(path)


def test_read__missing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(MissingPathError, match="picture not found"):
            read_image(path)


@pytest.mark.parametrize("ending", [".png", ".PNG", ".tif"])
def test_round_trip__exact(tmp_path: Path, ending: str) -> None:
    image = torch.randint(0, 256, (1, 3, 7, 5)) / 255
    write_image(image, tmp_path / "new" / f"picture{ending}")
    assert torch.equal(read_image(tmp_path / "new" / f"picture{ending}"), image)


@pytest.mark.parametrize("ending", [".jpg", ".jpeg", ".webp"])
def test_round_trip__lossy(tmp_path: Path, ending: str) -> None:
    image = torch.full((1, 3, 32, 32), 0.5) + torch.tensor([0.2, 0.0, -0.2]).view(1, 3, 1, 1)
    write_image(image, tmp_path / f"picture{ending}")
    assert (read_image(tmp_path / f"picture{ending}") - image).abs().max() < 0.03


def test_write__rounds_and_clamps() -> None:
    image = torch.tensor([-0.5, 0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 7.0]).view(1, 1, 1, 7).expand(1, 3, 1, 7)
    assert to_bytes(image)[0, :, 0].tolist() == [0, 0, 0, 1, 255, 255, 255]


def test_write__settings_in_a_png(tmp_path: Path) -> None:
    settings = {"steps": 300, "content": "tübingen", "output": tmp_path}
    write_image(torch.rand(3, 4, 6), tmp_path / "picture.png", settings)
    with Image.open(tmp_path / "picture.png") as picture:
        assert json.loads(picture.info["rnst"]) == {**settings, "output": str(tmp_path)}


@pytest.mark.parametrize("name", ["picture", "picture.txt", "picture.gif"])
def test_write__no_format_of_ours(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"must be a file name that ends in one of \.png"):
        write_image(torch.rand(1, 3, 4, 6), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_write__an_error_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(torch.zeros(1, 3, 4, 6), tmp_path / "picture.png")

    def full_disk(_: Image.Image, path: Path, **__: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write_image(torch.ones(1, 3, 4, 6), tmp_path / "picture.png")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
    assert _color(read_image(tmp_path / "picture.png")) == [0, 0, 0]


def test_resize() -> None:
    image = torch.rand(1, 3, 40, 60)
    assert resize(image, (40, 60)) is image
    smaller = resize(image, (10, 15))
    assert smaller.shape == (1, 3, 10, 15)
    torch.testing.assert_close(smaller.mean(), image.mean(), atol=0.02, rtol=0.0)
    checkerboard = (torch.arange(64).view(-1, 1) + torch.arange(64)).remainder(2).float().expand(1, 3, 64, 64)
    for size in ((32, 32), (100, 90)):
        resized = resize(checkerboard, size)
        assert resized.min() >= 0.0
        assert resized.max() <= 1.0
    assert resize(torch.rand(1, 3, 96, 96), (24, 24)).std() < 0.15, "noise is averaged away, not sampled"


@pytest.mark.parametrize(
    ("size", "long_side", "expected"),
    [
        ((400, 600), 300, (200, 300)),
        ((600, 400), 300, (300, 200)),
        ((10, 10), 64, (64, 64)),
        ((1, 5000), 100, (1, 100)),
    ],
    ids=str,
)
def test_fit_long_side(size: tuple[int, int], long_side: int, expected: tuple[int, int]) -> None:
    assert fit_long_side(size, long_side) == expected


def test_real_photos_are_read(test_data: Path) -> None:
    photos = sorted((test_data / "photos").glob("*.jpg"))
    assert photos
    for path in photos:
        image = read_image(path)
        assert image.shape[1] == 3
        assert 0.05 < image.mean() < 0.95
        assert image.std() > 0.05


def test_reduced__keeps_what_is_coarse_and_drops_what_is_fine() -> None:
    """A wave of 16 pixels keeps nine tenths of its contrast at half the size; one of 3 pixels loses it."""
    positions = torch.arange(96.0)
    waves = {period: 0.5 + 0.4 * torch.sin(2 * torch.pi * positions / period) for period in (16.0, 3.0)}
    contrast = {
        period: reduced(wave.expand(1, 3, 96, 96), (48, 48))[..., 12:-12].std() / wave.std()
        for period, wave in waves.items()
    }
    assert contrast[16.0] > 0.9
    assert contrast[3.0] < 0.1


def test_reduced__is_in_range_and_leaves_a_constant_and_its_own_size_alone() -> None:
    step = torch.zeros(1, 3, 40, 60)
    step[..., 30:] = 1.0
    small = reduced(step, (20, 30))
    assert small.shape == (1, 3, 20, 30)
    assert (float(small.min()), float(small.max())) == (0.0, 1.0)
    assert torch.allclose(reduced(torch.full((1, 3, 31, 17), 0.3), (11, 7)), torch.tensor(0.3), atol=1e-6)
    assert reduced(step, (40, 60)) is step
