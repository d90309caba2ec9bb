from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from rnst.image.color import DecorrelatedColor, ImageColor, PlainColor
from rnst.image.parameters import ClampedImage, FourierImage, ImageParameter, PixelImage, frequency_scale

_SIZES = [(8, 8), (9, 12), (12, 9), (7, 5)]
_KINDS: list[type[ImageParameter]] = [PixelImage, FourierImage]


@pytest.mark.parametrize("size", _SIZES, ids=str)
@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("color", [PlainColor, DecorrelatedColor])
def test_round_trip__up_to_the_clamp(
    kind: type[ImageParameter], size: tuple[int, int], color: type[ImageColor]
) -> None:
    image = torch.rand(1, 3, *size)
    image[..., 0, 0], image[..., 0, 1] = 0.0, 1.0
    drawn = kind.from_image(image, color=color())()
    assert drawn.shape == image.shape
    torch.testing.assert_close(drawn, image.clamp(0.001, 0.999), rtol=0.0, atol=1e-4)
    assert drawn.min() > 0.0
    assert drawn.max() < 1.0


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0, 1.5])
def test_fourier__round_trip_for_each_decay(decay: float) -> None:
    image = torch.rand(1, 3, 15, 10).clamp(0.001, 0.999)
    torch.testing.assert_close(FourierImage.from_image(image, decay)(), image, rtol=0.0, atol=1e-4)


@pytest.mark.parametrize("kind", _KINDS)
def test_one_leaf__contiguous_float32(kind: type[ImageParameter]) -> None:
    image = torch.rand(1, 3, 8, 6).to(memory_format=torch.channels_last)
    (parameter,) = kind.from_image(image).parameters()
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert parameter.is_contiguous()
    assert parameter.dtype == torch.float32
    assert not parameter.is_complex()


@pytest.mark.parametrize("kind", _KINDS)
def test_gradient_reaches_every_pixel(kind: type[ImageParameter]) -> None:
    parameters = kind.from_image(torch.rand(1, 3, 8, 8))
    parameters()[..., 3, 5].sum().backward()
    (parameter,) = parameters.parameters()
    assert parameter.grad is not None
    assert parameter.grad.isfinite().all()
    assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", _KINDS)
def test_from_image__leaves_the_image_alone(kind: type[ImageParameter]) -> None:
    image = torch.rand(1, 3, 8, 8)
    before = image.clone()
    parameters = kind.from_image(image)
    with torch.no_grad():
        for parameter in parameters.parameters():
            parameter.add_(1.0)
    assert torch.equal(image, before)
    assert not torch.allclose(parameters(), before)


@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_fourier__white_noise_draws_a_spectrum_of_slope_minus_twice_the_decay(decay: float) -> None:
    side = 64
    noise = 0.01 * torch.randn(1, 3, side, side // 2 + 1, 2)  # so little that the sigmoid is a straight line
    power = _power(FourierImage(noise, (side, side), decay, DecorrelatedColor())().detach())
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    frequency = np.hypot(rows, columns)
    used = (frequency > 0.05) & (frequency < 0.45)
    slope, _ = np.polyfit(np.log(frequency[used]), np.log(power.numpy()[used]), 1)
    assert slope == pytest.approx(-2.0 * decay, abs=0.15)


def _power(image: Tensor) -> Tensor:
    spectrum: Tensor = torch.fft.rfft2(image - image.mean((-1, -2), keepdim=True))
    return spectrum.abs().square().mean((0, 1))


@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_frequency_scale__falls_and_has_mean_square_one(size: tuple[int, int]) -> None:
    scale = frequency_scale(size, 1.0)
    assert scale.shape == (size[0], size[1] // 2 + 1, 1)
    assert scale.square().mean().item() == pytest.approx(1.0, rel=1e-4)
    assert scale[0, 0] == scale.max()
    assert (scale[0, 1:].diff(dim=0) < 0).all()
    assert torch.allclose(frequency_scale(size, 0.0), torch.ones(()))


def test_frequency_scale__falls_by_one_power_more_beyond_the_corner() -> None:
    plain, bent = frequency_scale((64, 64), 0.5)[0], frequency_scale((64, 64), 0.5, corner=1 / 64)[0]
    ratio = (bent / plain).flatten()
    assert ratio[8] / ratio[32] == pytest.approx(4.0, rel=0.02)
    assert ratio[0] / ratio[1] == pytest.approx(1.0, rel=1e-4)
    torch.testing.assert_close(frequency_scale((20, 30), 0.5), frequency_scale((20, 30), 0.5, corner=1e6))


@pytest.mark.parametrize("draws", [PixelImage.from_image, partial(FourierImage.from_image, decay=1.0)])
def test_autocast__does_not_touch_the_drawing(draws: Callable[[Tensor], ImageParameter]) -> None:
    image = torch.rand(1, 3, 8, 8)
    expected = draws(image)()
    with torch.autocast("cpu", torch.bfloat16):
        drawn = draws(image)()
    assert drawn.dtype == torch.float32
    assert torch.equal(drawn, expected)


def test_clamped__exact_in_range_and_moved_back_when_drawn() -> None:
    image = torch.rand(1, 3, 4, 5)
    image[..., 0, 0], image[..., 0, 1] = 0.0, 1.0
    parameter = ClampedImage.from_image(image)
    drawn = parameter()
    assert torch.equal(drawn, image)
    with torch.no_grad():
        parameter.pixels.add_(torch.linspace(-2.0, 2.0, 5))
    again = parameter()
    assert torch.equal(again, (image + torch.linspace(-2.0, 2.0, 5)).clamp(0.0, 1.0))
    assert torch.equal(parameter.pixels, again), "the parameters themselves, behind the back of the optimizer"
    assert torch.equal(drawn, image), "a picture that was drawn before stays what it was"
    again.sum().backward()
    assert torch.equal(parameter.pixels.grad, torch.ones_like(image))  # type: ignore[arg-type]
