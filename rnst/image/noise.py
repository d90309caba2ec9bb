"""Noise with the colors and the spectrum of a style image."""

import torch
from torch import Tensor

from rnst.image.color_matching import match_moments

_TINY = 1e-12


def noise_like(picture: Tensor, size: tuple[int, int], seed: int) -> Tensor:
    """Noise with the colors and the spectrum of a picture, but without its shapes.

    Each frequency keeps its amplitude and the relation of its three colors, and gets a random phase (Galerne, Gousseau
    and Morel 2011, "Random phase textures: theory and synthesis", section II). Mean and covariance of the colors are
    matched afterwards.

    Args:
        picture: (1, 3, H, W) in [0, 1]; its size sets the texture scale.
        size: height and width of the noise; noise larger than the picture has longer waves.
        seed: of the phases.

    Returns:
        (1, 3, *size) in [0, 1].
    """
    height, width = picture.shape[-2:]
    # Without a window, the border of the picture would put a cross into the spectrum.
    window = torch.hann_window(height, periodic=False)[:, None] * torch.hann_window(width, periodic=False)
    waves = (picture - picture.mean((-2, -1), keepdim=True)) * window
    canvas = max(height, size[0]), max(width, size[1])
    white = torch.randn(canvas, generator=torch.Generator().manual_seed(seed))
    phases = torch.fft.rfft2(white)
    phases = phases / phases.abs().clamp_min(_TINY)
    noise = torch.fft.irfft2(torch.fft.rfft2(waves, s=canvas) * phases, s=canvas)
    return match_moments(noise[..., : size[0], : size[1]], picture)
