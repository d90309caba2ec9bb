import pytest
import torch

from rnst.image.color import DecorrelatedColor


def test_round_trip__up_to_the_clamp() -> None:
    color, image = DecorrelatedColor(), torch.rand(2, 3, 9, 8)
    torch.testing.assert_close(color.to_rgb(color.from_rgb(image)), image.clamp(0.001, 0.999), rtol=0.0, atol=1e-5)


def test_black_and_white_are_finite() -> None:
    color = DecorrelatedColor()
    image = torch.stack([torch.zeros(3, 4, 4), torch.ones(3, 4, 4)])
    channels = color.from_rgb(image)
    assert channels.isfinite().all()
    torch.testing.assert_close(color.to_rgb(channels), image, rtol=0.0, atol=1.1e-3)


def test_to_rgb__always_in_range() -> None:
    image = DecorrelatedColor().to_rgb(100.0 * torch.randn(1, 3, 16, 16))
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
