import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import hsv2rgb, rgb2hsv
from torch import Tensor
from torchvision.transforms import v2

from rnst.corruptions.blur import translated_mean
from rnst.corruptions.digital import pixelate
from rnst.corruptions.names import CORRUPTION_NAMES, SEVERITIES, SIZE
from rnst.corruptions.table import CORRUPTIONS, corrupted
from rnst.corruptions.weather import brightness
from rnst.data.photos import decode_photo, reduced
from rnst.errors import InvalidValueError, UnknownNameError
from rnst.image.samples import find_picture

_RANDOM = set(CORRUPTIONS) - {
    *("defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"),
}


def _photo(name: str, side: int) -> Tensor:
    photo = reduced(decode_photo(find_picture(name)), side)
    square: Tensor = v2.functional.center_crop(photo, [side, side])
    return square


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return _photo("coffee", 64)


def _distance(one: Tensor, other: Tensor) -> float:
    return float(((one.float() - other.float()) / 255.0).norm())


def test_severity_is_monotone_for_at_least_13_of_15() -> None:
    """On these photos all but glass and frost are, as with the published program: its table does not rise evenly."""
    photos = [_photo(name, SIZE) for name in ("coffee", "astronaut")]
    monotone = []
    for name, corruption in CORRUPTIONS.items():
        draws = range(8) if corruption.group == "weather" else range(1)  # clouds differ much from draw to draw
        means = [
            sum(_distance(corrupted(photo, name, severity, seed), photo) for seed in draws for photo in photos)
            for severity in SEVERITIES
        ]
        monotone += [name] if means == sorted(means) else []
    assert len(CORRUPTIONS) == 15
    assert len(monotone) >= 13, set(CORRUPTIONS) - set(monotone)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_bytes_of_the_same_shape__the_seed_decides_and_nothing_else(name: str, photo: Tensor) -> None:
    before = photo.clone()
    first = corrupted(photo, name, 3, seed=1)
    torch.rand(7)
    assert torch.equal(corrupted(photo, name, 3, seed=1), first)
    assert torch.equal(photo, before)
    assert (first.dtype, first.shape) == (torch.uint8, photo.shape)
    assert _distance(first, photo) > 1.0
    assert torch.equal(corrupted(photo, name, 3, seed=2), first) == (name not in _RANDOM)


def test_unknown_names_and_severities(photo: Tensor) -> None:
    with pytest.raises(UnknownNameError, match="shot_noise"):
        corrupted(photo, "rain", 1, 0)
    with pytest.raises(InvalidValueError, match="1 to 5"):
        corrupted(photo, "fog", 0, 0)


def test_noise_is_as_strong_as_the_table_says() -> None:
    gray = torch.full((3, 128, 128), 128, dtype=torch.uint8)
    for severity, deviation, photons, share in ((1, 0.08, 60, 0.03), (3, 0.18, 12, 0.09)):
        normal = corrupted(gray, "gaussian_noise", severity, 0).float() / 255.0
        assert float(normal.std()) == pytest.approx(deviation, rel=0.02)
        counted = corrupted(gray, "shot_noise", severity, 0).float() / 255.0
        assert float(counted.mean()) == pytest.approx(128 / 255, rel=0.02)
        assert float(counted.std()) == pytest.approx((128 / 255 / photons) ** 0.5, rel=0.05)
        impulses = corrupted(gray, "impulse_noise", severity, 0)
        assert float((impulses == 0).float().mean()) == pytest.approx(share / 2, rel=0.1)
        assert float((impulses == 255).float().mean()) == pytest.approx(share / 2, rel=0.1)


def test_the_noise_of_a_photo_is_the_same_at_each_severity() -> None:
    gray = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    weak, strong = (corrupted(gray, "gaussian_noise", severity, 5).float() - 128.0 for severity in (1, 2))
    assert torch.corrcoef(torch.stack([weak.flatten(), strong.flatten()]))[0, 1] > 0.98


def test_blur_moves_no_light() -> None:
    flat = torch.full((3, 64, 64), 77, dtype=torch.uint8)
    for name in ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "elastic_transform"):
        assert int((corrupted(flat, name, 5, 0).int() - 77).abs().max()) <= 1, name


def test_moved__along_the_angle() -> None:
    point = torch.zeros(1, 33, 33)
    point[0, 16, 16] = 1.0
    trace = translated_mean(point, 0.0, 3, 2.0)[0]
    assert trace[16].nonzero().flatten().tolist() == list(range(10, 17)), "seven places along the row"
    assert float(trace.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float(translated_mean(point, 90.0, 3, 2.0)[0, :, 16].sum()) == pytest.approx(1.0, abs=1e-5)


def test_brightness__raises_the_value_of_hsv() -> None:
    picture = torch.rand(3, 16, 16)
    picture[:, 0, 0] = 0.0
    colors = rgb2hsv(picture.permute(1, 2, 0).numpy())
    colors[..., 2] = np.clip(colors[..., 2] + 0.3, 0.0, 1.0)
    expected = torch.from_numpy(hsv2rgb(colors)).permute(2, 0, 1).float()
    assert torch.allclose(brightness(picture, torch.Generator(), 0.3), expected, atol=1e-5)


@pytest.mark.parametrize("share", [0.6, 0.5, 0.3])
def test_pixelate__as_pillow_does(share: float, photo: Tensor) -> None:
    small = Image.fromarray(photo.permute(1, 2, 0).numpy()).resize(
        (int(64 * share), int(64 * share)), Image.Resampling.BOX
    )
    expected = torch.from_numpy(np.array(small.resize((64, 64), Image.Resampling.NEAREST))).permute(2, 0, 1)
    found = pixelate(photo.float() / 255.0, torch.Generator(), share) * 255.0
    assert float((found - expected.float()).abs().max()) < 1.01, "it rounds twice"


def test_against_imagecorruptions() -> None:
    """Run by `uv run --with imagecorruptions-imaug pytest tests/corruptions`: it drags OpenCV and numba along."""
    published = pytest.importorskip("imagecorruptions", reason="imagecorruptions-imaug is not installed")
    photos = [_photo(name, 224) for name in ("coffee", "chelsea", "rocket", "astronaut")]
    # By chance they differ: the made-up frost altogether, clouds and the direction of a motion from draw to draw.
    tolerance = dict.fromkeys(CORRUPTIONS, 0.05) | {"motion_blur": 0.15, "fog": 0.25, "frost": 0.5}
    for name in CORRUPTIONS:
        for severity in (1, 3, 5):
            ours = sum(_distance(corrupted(photo, name, severity, seed), photo) for seed, photo in enumerate(photos))
            theirs = 0.0
            for photo in photos:
                pixels = np.array(photo.permute(1, 2, 0))
                made = np.array(published.corrupt(pixels, corruption_name=name, severity=severity))
                theirs += _distance(torch.from_numpy(made).permute(2, 0, 1), photo)
            assert ours == pytest.approx(theirs, rel=tolerance[name]), (name, severity)


def test_names_are_those_of_the_table() -> None:
    assert tuple(CORRUPTIONS) == CORRUPTION_NAMES
