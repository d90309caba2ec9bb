"""Orientation of fine texture: whether it follows two crossed directions, as a woven hatching does."""

import numpy as np
from torch import Tensor

from rnst.metrics.arrays import luminance

_SMALLEST_SIDE = 16  # px; below, the band holds too few frequencies
_FLAT = 1e-7  # as in `artifacts.high_frequency_fraction`: a deviation due to rounding alone
_NYQUIST = 0.5


def fourfold_anisotropy(image: Tensor, above: float = 0.2) -> float:
    r"""Fourfold harmonic of the directions of fine texture.

    .. math:: |\sum_f E(f) e^{4 i \theta(f)}| / \sum_f E(f)

    over the frequencies f with `above` < |f| <= 0.5 cycles per pixel, with the energy E of the luminance's Fourier
    transform under a Hann window and the direction :math:`\theta` of f. Threads along rows and columns, or along both
    diagonals, add up; so do stripes of one direction. Brush strokes of all directions cancel.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 16 px.
        above: lower end of the band in cycles per pixel, in [0, 0.5); 0.2 leaves periods below 5 px.

    Returns:
        In [0, 1], lower is more even: near 0 for white noise, 1 for stripes and for a checkerboard, 0 for a picture
        without energy in the band. Compare only pictures of one size.
    """
    gray = luminance(image, _SMALLEST_SIDE)
    if gray.std() < _FLAT:
        return 0.0
    window = np.outer(np.hanning(gray.shape[0] + 2)[1:-1], np.hanning(gray.shape[1] + 2)[1:-1])
    energy = np.abs(np.fft.fft2((gray - gray.mean()) * window)) ** 2
    down, across = (np.fft.fftfreq(length) for length in gray.shape)
    radius = np.hypot(down[:, None], across[None, :])
    band = (radius > above) & (radius <= _NYQUIST)  # the corners of the square would favor the diagonals
    directions = np.arctan2(down[:, None], across[None, :])
    total = float(energy[band].sum())
    turned = complex((energy[band] * np.exp(4j * directions[band])).sum())
    return abs(turned) / total if total > 0.0 else 0.0
