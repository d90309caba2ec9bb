"""Orientation of fine texture: whether it follows two crossed directions, as a woven hatching does."""

import numpy as np
from torch import Tensor

from rnst.metrics.spectrum import energy_spectrum

_SMALLEST_SIDE = 16  # px; below, the band holds too few frequencies
_NYQUIST = 0.5


def fourfold_anisotropy(image: Tensor, above: float = 0.2) -> float:
    r"""Fourfold harmonic of the directions of fine texture.

    .. math:: |\sum_f E(f) e^{4 i \theta(f)}| / \sum_f E(f)

    over the frequencies f with `above` < |f| <= 0.5 cycles per pixel, with the energy E of `energy_spectrum` and the
    direction :math:`\theta` of f. Threads along rows and columns, or along both diagonals, add up; so do stripes of one
    direction. Brush strokes of all directions cancel.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 16 px.
        above: lower end of the band in cycles per pixel, in [0, 0.5); 0.2 leaves periods below 5 px.

    Returns:
        In [0, 1], lower is more even: near 0 for white noise, 1 for stripes and for a checkerboard, 0 for a picture
        without energy in the band. Compare only pictures of one size.
    """
    energy, down, across = energy_spectrum(image, _SMALLEST_SIDE)
    radius = np.hypot(down, across)
    band = (radius > above) & (radius <= _NYQUIST)  # the corners of the square would favor the diagonals
    total = float(energy[band].sum())
    turned = complex((energy[band] * np.exp(4j * np.arctan2(down, across)[band])).sum())
    return abs(turned) / total if total > 0.0 else 0.0
