"""What is stylized from: files, colors, masks."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from rnst.errors import InvalidValueError, MissingPathError
from rnst.image.color_matching import gray_like, match_histogram, match_moments
from rnst.image.files import read_image, resize, write_image
from rnst.image.masks import COLORS
from rnst.stylization.inputs import Inputs, content_size, read_inputs
from rnst.stylization.job import resolve
from rnst.stylization.parts import Resolution
from rnst.stylization.settings import StylizationSettings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    for name, size in (("cat", (30, 40)), ("waves", (44, 36)), ("stars", (20, 50))):
        write_image(torch.rand(1, 3, *size), Path(f"{name}.png"))
    left = (torch.arange(40.0) < 20).float().expand(1, 3, 30, 40)
    write_image(left, Path("left.png"))
    write_image(1 - left, Path("right.png"))
    write_image(torch.zeros(1, 3, 30, 40), Path("black.png"))


def _read(**options: Any) -> Inputs:
    job = resolve(StylizationSettings(**{"content": "cat.png", "style": ["waves.png", "stars.png"], **options}))
    inputs = read_inputs(job.pictures, job.resolution, job.look.style_scale)
    assert content_size(job.pictures) == inputs.size
    return inputs


def _columns(path: str, *names: str) -> None:
    """A picture of columns of colors."""
    columns = [torch.tensor(COLORS[name]).float().view(1, 3, 1, 1).expand(1, 3, 30, 10) for name in names]
    write_image(torch.cat(columns, dim=3), Path(path))


def test_without_masks__one_region_of_all_styles() -> None:
    inputs = _read(style_weights=[2.0, 1.0])
    (region,) = inputs.regions
    assert [source.weight for source in region.sources] == [2.0, 1.0]
    assert region.mask is None
    assert inputs.masks is None
    assert inputs.size == (30, 40)
    image = torch.rand(1, 3, 15, 20)
    assert torch.equal(inputs.finished(image, "free"), image)


def test_transparent_parts_of_a_style_do_not_count() -> None:
    half = Image.new("RGBA", (6, 4), (255, 0, 0, 255))
    half.paste((0, 0, 0, 0), (0, 0, 3, 4))
    half.save("half.png")
    (region,) = _read(style=["half.png"]).regions
    mask = region.sources[0].mask
    assert mask is not None
    assert mask[0, 0, :, :3].sum() == 0
    assert mask[0, 0, :, 3:].min() == 1


@pytest.mark.parametrize("names", [["left.png", "right.png"], ["left.png"]], ids=str)
def test_gray_masks__a_region_for_each_style(names: list[str]) -> None:
    first, second = _read(content_mask=names).regions
    assert first.mask is not None
    assert second.mask is not None
    assert torch.equal(first.mask, (torch.arange(40) < 20).float().expand(1, 1, 30, 40))
    assert torch.equal(second.mask, 1 - first.mask), "the last style gets the rest"


def test_gray_mask__where_no_style_goes_the_photo_stays() -> None:
    inputs = _read(style="waves.png", content_mask=["left.png"])
    finished = inputs.finished(torch.zeros(1, 3, 30, 40), "free")
    assert (finished[..., :20] == 0).all()
    assert torch.equal(finished[..., 20:], read_image(Path("cat.png"))[..., 20:])


def test_style_mask() -> None:
    (region,) = _read(style_mask=["left.png", "right.png"]).regions
    masks = [source.mask for source in region.sources]
    assert all(mask is not None and mask.mean() == 0.5 for mask in masks)


def test_colored_masks__each_color_takes_the_parts_of_that_color() -> None:
    _columns("place.png", "black", "red", "blue", "blue")
    _columns("first.png", "red", "green")
    _columns("second.png", "red", "blue")
    inputs = _read(content_mask=["place.png"], style_mask=["first.png", "second.png"])
    red, blue = inputs.regions
    assert [len(red.sources), len(blue.sources)] == [2, 1]
    assert torch.equal(blue.sources[0].image, read_image(Path("stars.png")))
    blue_part, place = blue.sources[0].mask, blue.mask
    assert blue_part is not None
    assert place is not None
    assert bool((blue_part[..., 10:] == 1).all())
    assert blue_part[..., :10].sum() == 0
    assert bool((place[..., 20:] == 1).all())
    finished = inputs.finished(torch.zeros(1, 3, 30, 40), "free")
    assert torch.equal(finished[..., :10], read_image(Path("cat.png"))[..., :10]), "black went without a style"
    assert (finished[..., 10:] == 0).all()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"content_mask": ["left.png"] * 3}, "1 or 2 pictures"),
        ({"content_mask": ["left.png"], "style_weights": [1, 3]}, "--style_weights.*equal or left out"),
        ({"style_mask": ["left.png"]}, "but must be 2 pictures"),
        ({"style_mask": ["left.png", "black.png"]}, "black all over"),
        ({"content_mask": ["place.png"]}, "--style_mask"),
        ({"content_mask": ["place.png"], "style_mask": ["part.png", "part.png"]}, "blue"),
        ({"content_mask": ["dark.png"], "style_mask": ["part.png", "part.png"]}, "brighter"),
        (
            {"content_mask": ["part.png"], "style_mask": ["part.png", "left.png"], "style_weights": [0, 1]},
            "--style_weights",
        ),
    ],
    ids=str,
)
def test_masks__that_do_not_fit(options: dict[str, Any], said: str) -> None:
    _columns("place.png", "red", "blue")
    _columns("part.png", "red", "green")
    write_image(torch.tensor([0.4, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 30, 40), Path("dark.png"))
    with pytest.raises(InvalidValueError, match=said):
        _read(**options)


def test_style_mask__what_is_transparent_stays_out() -> None:
    pixels = torch.full((44, 36, 4), 255, dtype=torch.uint8)
    pixels[:22, :, 3] = 0
    Image.fromarray(pixels.numpy(), "RGBA").save("glass.png")
    half = torch.zeros(1, 3, 44, 36)
    half[..., :18] = 1.0
    write_image(half, Path("half.png"))
    mask = _read(style=["glass.png"], style_mask=["half.png"]).regions[0].sources[0].mask
    assert mask is not None
    assert (mask[..., :20, :] == 0).all(), "transparent"
    assert (mask[..., 24:, :16] == 1).all(), "there, and within the mask"
    assert (mask[..., 24:, 20:] == 0).all(), "outside the mask"


def test_masks__that_are_not_there() -> None:
    with pytest.raises(MissingPathError, match=r"nowhere\.png"):
        _read(content_mask=["nowhere.png"])


@pytest.mark.parametrize(("colors", "matching"), [("match", match_moments), ("histogram", match_histogram)])
def test_colors__of_the_photo_for_every_style(colors: str, matching: Any) -> None:
    inputs, photo = _read(colors=colors), read_image(Path("cat.png"))
    for source, name in zip(inputs.regions[0].sources, ("waves", "stars"), strict=True):
        assert torch.equal(source.image, matching(read_image(Path(f"{name}.png")), photo))
    assert torch.equal(inputs.content, photo)


def test_luminance__is_stylized_in_gray_and_finished_in_the_colors_of_the_photo() -> None:
    inputs, photo = _read(colors="luminance"), read_image(Path("cat.png"))
    assert torch.equal(inputs.content, gray_like(photo, photo))
    finished = inputs.finished(inputs.content, "luminance")
    inside = ((photo > 0.05) & (photo < 0.95)).all(1)
    torch.testing.assert_close(finished[0][:, inside[0]], photo[0][:, inside[0]], rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(48, 65), (49, 64), (96, 128)], ids=str)
def test_finished__reduced_where_any_side_is_too_long(size: tuple[int, int]) -> None:
    """A little supersampling lengthens one side alone, as the other one is rounded down."""
    finished = _read().finished(torch.rand(1, 3, *size), "free", largest=(48, 64))
    assert finished.shape == (1, 3, 48, 64)


@pytest.mark.parametrize(("aspect", "size"), [(None, (44, 36)), (2.0, (22, 44)), (0.5, (44, 22))])
def test_texture__of_the_shape_of_the_style_or_of_a_given_one(aspect: float | None, size: tuple[int, int]) -> None:
    inputs = _read(content="none", aspect=aspect)
    assert inputs.photo is None
    assert inputs.size == size
    image = torch.rand(1, 3, 5, 5)
    assert torch.equal(inputs.finished(image, "luminance"), image)


def _start(**options: Any) -> Tensor:
    return _read(size=64, supersample=1.0, **options).start


def test_start() -> None:
    assert torch.equal(_start(), read_image(Path("cat.png")))
    assert torch.equal(_start(init="style"), resize(read_image(Path("waves.png")), (48, 64)))
    assert torch.equal(_start(init="stars.png"), resize(read_image(Path("stars.png")), (48, 64)))
    assert torch.equal(_start(content_weight=0.0), _start(init="style_noise"))
    noise = _start(init="noise")
    assert not torch.equal(noise, _start(init="noise", seed=1))
    assert 0.4 <= noise.min() < 0.41
    assert 0.59 < noise.max() <= 0.6


def test_supersample__noise_is_drawn_at_the_size_at_which_the_picture_is_optimized() -> None:
    assert _read(size=64, supersample=1.5, init="noise").start.shape == (1, 3, 72, 96)


def test_picture_size() -> None:
    assert Resolution(size=64).delivered((30, 40)) == (48, 64)
    assert Resolution(size=64, side="short").delivered((30, 40)) == (64, 85)
    assert Resolution(size=64, side="short", supersample=2.0).optimized((30, 40)) == (128, 170)


def test_animations__are_told() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    assert _read(style="moving.gif").notes == ("moving.gif holds 2 pictures; the first is taken",)
