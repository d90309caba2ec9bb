import pytest
import torch
from skimage.color import rgb2lab, rgb2yiq
from torch import Tensor

from rnst.image.color_matching import gray_like, match_histogram, match_moments, with_luminance_of


def _picture(seed: int, middle: float = 0.5, spread: float = 0.04, size: tuple[int, int] = (30, 40)) -> Tensor:
    """Correlated colors that stay far from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand(3, size[0] * size[1], generator=generator) * 2 - 1
    mixed = torch.rand(3, 3, generator=generator) @ noise
    return (middle + spread * mixed).reshape(1, 3, *size)


def _colors(image: Tensor) -> Tensor:
    return image.double().flatten(2).squeeze(0)


def _channels(image: Tensor, space: object) -> Tensor:
    return torch.from_numpy(space(image.squeeze(0).permute(1, 2, 0).double().numpy())).flatten(0, 1).T  # type: ignore[operator]


def test_match_moments__mean_and_covariance() -> None:
    image, reference = _picture(1), _picture(2, middle=0.6, spread=0.06, size=(20, 25))
    matched = match_moments(image, reference)
    assert matched.shape == image.shape
    torch.testing.assert_close(_colors(matched).mean(1), _colors(reference).mean(1), rtol=0, atol=1e-6)
    found, wanted = torch.cov(_colors(matched)), torch.cov(_colors(reference))
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-9)


def test_match_moments__a_picture_with_its_own_colors_stays() -> None:
    image = _picture(3, spread=0.12)
    torch.testing.assert_close(match_moments(image, image), image, rtol=0, atol=1e-6)


def test_match_moments__moves_colors_least() -> None:
    """The map of optimal transport between normal distributions is symmetric and positive."""
    image = _picture(4)
    matched = match_moments(image, _picture(5, spread=0.06))
    before, after = (_colors(picture) - _colors(picture).mean(1, keepdim=True) for picture in (image, matched))
    mapping = torch.linalg.lstsq(before.T, after.T).solution
    torch.testing.assert_close(mapping, mapping.T, rtol=0, atol=1e-4)
    assert torch.linalg.eigvalsh(mapping).min() > 0


@pytest.mark.parametrize("gray", [0.0, 0.5, 1.0])
def test_match_moments__a_picture_of_one_color(gray: float) -> None:
    flat, reference = torch.full((1, 3, 8, 8), gray), _picture(6)
    matched = match_moments(flat, reference)
    torch.testing.assert_close(_colors(matched).mean(1), _colors(reference).mean(1), rtol=0, atol=1e-6)
    torch.testing.assert_close(match_moments(reference, flat), torch.full_like(reference, gray), rtol=0, atol=0.01)


def test_match_histogram__quantiles_of_each_channel_and_order_kept() -> None:
    image, reference = _picture(7, spread=0.03), _picture(8, middle=0.55, spread=0.03, size=(40, 50))
    before, after, wanted = (
        _channels(picture, rgb2lab) for picture in (image, match_histogram(image, reference), reference)
    )
    levels = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    torch.testing.assert_close(after.quantile(levels, dim=1), wanted.quantile(levels, dim=1), rtol=0, atol=0.1)
    for channel in range(3):
        ordered = after[channel][before[channel].argsort()]
        assert (ordered.diff() > -1e-3).all(), "lighter stays lighter, redder stays redder"


def test_gray_like__luminance_alone_with_mean_and_deviation() -> None:
    image, reference = _picture(9), _picture(10, middle=0.6, spread=0.05)
    gray = gray_like(image, reference)
    assert torch.equal(gray[:, 0], gray[:, 1])
    assert torch.equal(gray[:, 0], gray[:, 2])
    luminance, wanted = _channels(gray, rgb2yiq)[0], _channels(reference, rgb2yiq)[0]
    torch.testing.assert_close(luminance.mean(), wanted.mean(), rtol=0, atol=1e-6)
    torch.testing.assert_close(luminance.std(), wanted.std(), rtol=0, atol=1e-5)
    before = _channels(image, rgb2yiq)[0]
    assert torch.corrcoef(torch.stack([before, luminance]))[0, 1] > 0.999999


def test_with_luminance_of__chroma_of_one_and_luminance_of_the_other() -> None:
    photo, painting = _picture(11), _picture(12, middle=0.45)
    found = _channels(with_luminance_of(photo, painting), rgb2yiq)
    torch.testing.assert_close(found[1:], _channels(photo, rgb2yiq)[1:], rtol=0, atol=1e-6)
    torch.testing.assert_close(found[0], _channels(painting, rgb2yiq)[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(with_luminance_of(photo, photo), photo, rtol=0, atol=1e-6)
