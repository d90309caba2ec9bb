import pytest
import torch

from rnst.image.color import DecorrelatedColor, ImageColor, PlainColor, fit_color_root

_KINDS = [PlainColor, DecorrelatedColor]


@pytest.mark.parametrize("kind", _KINDS)
def test_round_trip__up_to_the_clamp(kind: type[ImageColor]) -> None:
    color, image = kind(), torch.rand(2, 3, 9, 8)
    torch.testing.assert_close(color.to_rgb(color.from_rgb(image)), image.clamp(0.001, 0.999), rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("kind", _KINDS)
def test_black_and_white_are_finite(kind: type[ImageColor]) -> None:
    color = kind()
    image = torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)])
    channels = color.from_rgb(image)
    assert channels.isfinite().all()
    torch.testing.assert_close(color.to_rgb(channels), image, rtol=0.0, atol=1.1e-3)


@pytest.mark.parametrize("kind", _KINDS)
def test_to_rgb__always_in_range(kind: type[ImageColor]) -> None:
    image = kind().to_rgb(100.0 * torch.randn(1, 3, 16, 16))
    assert image.isfinite().all()
    assert image.min() >= 0.0
    assert image.max() <= 1.0


def test_gray_is_mostly_the_first_channel() -> None:
    channels = DecorrelatedColor().from_rgb(torch.full((1, 3, 2, 2), 0.8))
    assert (channels[:, 0].abs() > 5.0 * channels[:, 1:].abs().amax(1)).all()


def test_inverse_is_the_inverse_of_the_matrix() -> None:
    color = DecorrelatedColor()
    torch.testing.assert_close(color.matrix @ color.inverse, torch.eye(3), rtol=0.0, atol=1e-5)
    assert torch.linalg.vector_norm(color.matrix, dim=0).max().item() == pytest.approx(1.0)


def test_autocast__full_precision() -> None:
    color, channels = DecorrelatedColor(), torch.randn(1, 3, 8, 8)
    expected = color.to_rgb(channels)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(color.to_rgb(channels), expected)
        torch.testing.assert_close(color.to_rgb(color.from_rgb(expected)), expected, rtol=0.0, atol=1e-5)


def test_plain__is_the_identity_but_near_black_and_white() -> None:
    channels = torch.linspace(0.05, 0.95, 48).reshape(1, 3, 4, 4).requires_grad_()
    drawn = PlainColor().to_rgb(channels)
    torch.testing.assert_close(drawn, channels)
    drawn.sum().backward()
    torch.testing.assert_close(channels.grad, torch.ones_like(channels))


def test_plain__rises_everywhere_and_smoothly() -> None:
    channels = torch.linspace(-0.1, 1.1, 1200, dtype=torch.float64).expand(1, 3, 1, -1)
    slope = PlainColor().to_rgb(channels).diff()
    assert slope.min() > 0.0
    assert slope.diff().abs().max() < 0.03 * slope.max()


def test_root__white_noise_has_the_colors_of_the_photos() -> None:
    mixing = torch.tensor([[0.2, 0.05, 0.0], [0.15, 0.1, 0.02], [0.1, -0.05, 0.05]])
    photos = [torch.einsum("ij,njhw->nihw", mixing, torch.randn(1, 3, 60, 50)) + 0.5 for _ in range(2)]
    root = fit_color_root(photos)
    pixels = torch.cat([photo.flatten(2) for photo in photos], dim=2)[0]
    torch.testing.assert_close(root @ root.T, pixels.cov(correction=0), rtol=1e-3, atol=1e-5)
    norms = torch.linalg.vector_norm(root, dim=0)
    assert norms[0] > norms[1] > norms[2]
    channels = torch.randn(1, 3, 200, 200)
    found = torch.einsum("ij,njhw->nihw", DecorrelatedColor(root).matrix, channels)[0].flatten(1).cov()
    expected = root @ root.T / norms[0] ** 2
    assert torch.linalg.matrix_norm(found - expected) < 0.03 * torch.linalg.matrix_norm(expected)


def test_root__gray_photos_can_be_inverted() -> None:
    color = DecorrelatedColor(fit_color_root([torch.rand(1, 1, 20, 20).expand(1, 3, 20, 20)]))
    assert color.inverse.isfinite().all()
