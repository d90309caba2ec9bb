"""Style distance under random features: how far a picture is from a style according to untrained networks."""

from typing import Self

import torch
from torch import Tensor

from rnst.metrics.arrays import checked
from rnst.metrics.random_network import SEEDS, SMALLEST_SIDE, Gaussian, layer_statistics

_TINY = 1e-8  # keeps the distance to a style without any texture finite, so that it can be written as JSON


class StyleReference:
    """A style, measured once, to compare with many pictures.

    Args:
        style: (1, 3, H, W) in [0, 1], sides at least 18 px. Its size matters, since brush strokes are measured in
            pixels: pass the style at the size that the optimization used.
    """

    def __init__(self, style: Tensor) -> None:
        self._palette = _palette(style)
        self._networks = [layer_statistics(style, seed) for seed in SEEDS]

    def distance(self, image: Tensor) -> float:
        """`style_distance` of `image`, (1, 3, H, W) in [0, 1], to this style."""
        total = 0.0
        for seed, layers in zip(SEEDS, self._networks, strict=True):
            for found, wanted in zip(layer_statistics(image, seed), layers, strict=True):
                scale = float(wanted.covariance.trace()) ** 0.5
                total += gaussian_wasserstein(found, wanted) / max(scale, _TINY)
        return total / sum(map(len, self._networks))

    def texture_distance(self, image: Tensor) -> float:
        """`texture_distance` of `image`, (1, 3, H, W) in [0, 1], to this style."""
        picture = checked(image, SMALLEST_SIDE)
        own_mean, own_deviation = _palette(picture)
        mean, deviation = self._palette
        # Values may leave [0, 1]. Clamping them would change the texture.
        return self.distance((picture - own_mean) / own_deviation.clamp_min(_TINY) * deviation + mean)

    @classmethod
    def of(cls, style: Tensor | Self) -> "StyleReference":
        """`style` itself if it is a reference already, otherwise a reference to it."""
        return style if isinstance(style, StyleReference) else cls(style)


def style_distance(image: Tensor, style: Tensor) -> float:
    r"""Style distance: Wasserstein-2 between Gaussians of random features, relative to the style's spread.

    .. math:: \frac{1}{|S||L|} \sum_{s \in S} \sum_{l \in L} W_2(N_{sl}(image), N_{sl}(style)) / \sqrt{tr C_{sl}(style)}

    over five networks S (`random_network.SEEDS`) of three layers L each. The Gaussian per layer is a common summary of
    style (Li et al. 2017, arXiv:1701.01036; Vacher et al. 2020, arXiv:2006.07229); we depart from both by using
    untrained networks, which need no weights and favor none of the compared encoders. On the 16 published triples of
    the article the robust ResNet's picture and VGG's picture are always closer than the standard ResNet's. Shuffled
    pixels do not fool the distance; copying the colors alone reduces it in part. Two halves of one painting are 0.2 to
    1.0 apart, so only pictures with the same style are comparable.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 18 px.
        style: (1, 3, H', W') in [0, 1], sides at least 18 px.

    Returns:
        In [0, inf), lower is closer; 0 for the style itself, 0.05 to 0.3 for good stylizations, 0.5 to 3 for the
        content photo. Not symmetric, as it is divided by the spread of the style.
    """
    return StyleReference(style).distance(image)


def texture_distance(image: Tensor, style: Tensor) -> float:
    """`style_distance` after the image was given the mean and the standard deviation of each RGB channel of the style.

    The remaining distance is texture: brush strokes, contrast between neighbors, and the shape of the color
    distribution beyond its first two moments. Adopting the palette alone does not reduce it.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 18 px.
        style: (1, 3, H', W') in [0, 1], sides at least 18 px.

    Returns:
        In [0, inf), lower is closer. Not symmetric.
    """
    return StyleReference(style).texture_distance(image)


def gaussian_wasserstein(first: Gaussian, second: Gaussian) -> float:
    r"""Wasserstein-2 distance of two normal distributions (Dowson and Landau 1982; Gelbrich 1990).

    .. math:: W_2^2 = |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1^{1/2} C_2 C_1^{1/2})^{1/2})

    We compute the second part as :math:`\min_U |C_1^{1/2} - C_2^{1/2} U|^2` over orthogonal U, which is equal (Bhatia
    et al. 2019, arXiv:1712.01504, theorem 1). This form has no difference of large numbers, whose rounding errors the
    outer root would amplify or turn into the root of a negative number.

    Returns:
        In [0, inf), in the units of the features; symmetric.
    """
    root_first, root_second = _root(first.covariance), _root(second.covariance)
    left, _, right = torch.linalg.svd(root_second @ root_first)
    shape = (root_first - root_second @ (left @ right)).square().sum()
    return float(((first.mean - second.mean).square().sum() + shape).sqrt())


def _root(covariance: Tensor) -> Tensor:
    """Symmetric square root of a (C, C) covariance; slightly negative eigenvalues, due to rounding, count as zero."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T
    return root


def _palette(image: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per channel, (1, 3, 1, 1) each."""
    deviation, mean = torch.std_mean(checked(image, SMALLEST_SIDE), dim=(2, 3), keepdim=True, correction=0)
    return mean, deviation
