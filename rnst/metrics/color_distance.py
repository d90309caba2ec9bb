"""Distance between the color distributions of two pictures, regardless of the positions of the colors."""

import numpy as np
from skimage.color import rgb2lab
from torch import Tensor

from rnst.metrics.arrays import Array, to_array

_DIRECTIONS = 64
_BIN = 0.25  # Lab units; a tenth of a just noticeable difference
_REACH = 210.0  # largest distance of an sRGB color from black


def color_distance(image: Tensor, other: Tensor) -> float:
    r"""Sliced Wasserstein-1 distance between the colors of two pictures in CIE Lab (D65, 2 degrees).

    .. math:: \frac{1}{64} \sum_{d} \int |F_d(t) - G_d(t)| dt

    where F and G are the cumulative distributions of the pixels' colors along direction d (Rabin et al. 2011,
    "Wasserstein barycenter and its application to texture mixing"). The directions are fixed, evenly spread over the
    half sphere. A Lab unit is about the smallest visible difference in color.

    Never judge by this measure alone: a picture with the style's pixels in random order is nearly perfect.

    Args:
        image: (1, 3, H, W) in [0, 1].
        other: (1, 3, H', W') in [0, 1].

    Returns:
        In [0, 100], in Lab units; lower is closer, 0 for equal color distributions. Symmetric.
    """
    first, second = _lab(image), _lab(other)
    return float(np.mean([_along(first @ direction, second @ direction) for direction in _directions()]))


def _lab(image: Tensor) -> Array:
    """Colors (pixels, 3) in Lab units."""
    colors: Array = rgb2lab(to_array(image)).reshape(-1, 3)
    return colors


def _directions() -> Array:
    """Unit vectors (64, 3) on a half sphere: a spiral of golden angles, with equal area between turns."""
    index = np.arange(_DIRECTIONS)
    height = (index + 0.5) / _DIRECTIONS
    angle = index * np.pi * (3.0 - np.sqrt(5.0))
    radius = np.sqrt(1.0 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def _along(first: Array, second: Array) -> float:
    """Wasserstein-1 distance of two sets of numbers, from histograms: linear in the number of pixels."""
    bins = round(2 * _REACH / _BIN)
    counts = [np.histogram(values, bins, (-_REACH, _REACH))[0] / values.size for values in (first, second)]
    return float(np.abs(np.cumsum(counts[0] - counts[1])).sum() * _BIN)
