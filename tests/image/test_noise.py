import pytest
import torch
from torch import Tensor

from rnst.image.noise import noise_like


def _painting(size: tuple[int, int] = (96, 128), decay: float = 1.0) -> Tensor:
    """Smooth colors of moderate contrast whose amplitudes fall as frequency ** -decay."""
    generator = torch.Generator().manual_seed(5)
    rows, columns = torch.fft.fftfreq(size[0])[:, None], torch.fft.rfftfreq(size[1])[None, :]
    scale = (rows.square() + columns.square()).sqrt().clamp_min(1.0 / max(size)).pow(-decay)
    waves = torch.fft.irfft2(torch.fft.rfft2(torch.randn(3, *size, generator=generator)) * scale, s=size)
    mixed = torch.einsum("ij,jhw->ihw", torch.tensor([[1.0, 0.3, 0.0], [0.8, 0.0, 0.2], [0.6, -0.4, 0.1]]), waves)
    return (torch.tensor([0.5, 0.4, 0.6]).view(3, 1, 1) + 0.08 * mixed / mixed.std())[None]


def _slope(image: Tensor) -> float:
    """Exponent of frequency that the power of the gray picture follows."""
    gray = image.mean(1)[0]
    window = torch.hann_window(gray.shape[0])[:, None] * torch.hann_window(gray.shape[1])
    power = torch.fft.rfft2((gray - gray.mean()) * window).abs().square()
    rows, columns = torch.fft.fftfreq(gray.shape[0])[:, None], torch.fft.rfftfreq(gray.shape[1])[None, :]
    frequency = (rows.square() + columns.square()).sqrt()
    inside = (frequency > 0.04) & (frequency < 0.4)
    x, y = frequency[inside].log(), power[inside].log()
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


_SIZES = [(96, 128), (60, 50), (150, 200), (97, 61)]


@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_noise__colors_of_the_picture(size: tuple[int, int]) -> None:
    picture = _painting()
    noise = noise_like(picture, size, seed=0)
    assert noise.shape == (1, 3, *size)
    assert 0.0 <= noise.min() <= noise.max() <= 1.0
    torch.testing.assert_close(noise.mean((-2, -1)), picture.mean((-2, -1)), rtol=0.0, atol=1e-3)
    found, wanted = (torch.cov(image[0].flatten(1)) for image in (noise, picture))
    assert torch.linalg.matrix_norm(found - wanted) < 0.03 * torch.linalg.matrix_norm(wanted)


@pytest.mark.parametrize("decay", [0.0, 1.0, 1.5])
@pytest.mark.parametrize("size", _SIZES, ids=str)
def test_noise__spectrum_of_the_picture(decay: float, size: tuple[int, int]) -> None:
    noise = noise_like(_painting(decay=decay), size, seed=1)
    assert _slope(noise) == pytest.approx(-2.0 * decay, abs=0.4)


def test_noise__none_of_its_shapes_and_seeded() -> None:
    picture = _painting()
    noise, other = (noise_like(picture, (96, 128), seed) for seed in (0, 1))
    assert torch.equal(noise, noise_like(picture, (96, 128), 0))
    for first, second in ((noise, picture), (noise, other)):
        correlation = torch.corrcoef(torch.stack([first.flatten(), second.flatten()]) - 0.5)[0, 1]
        assert correlation < 0.8, "the tint of the channels alone correlates"
        gray = torch.corrcoef(torch.stack([first.mean(1).flatten(), second.mean(1).flatten()]))[0, 1]
        assert gray.abs() < 0.5
