"""Style as a distribution of features: the Wasserstein distance between two normal distributions."""

import torch
from torch import Tensor

from rnst.losses.statistics import Moments, moments
from rnst.losses.style import StyleLoss

_NOISE = 1e-4  # variance of the noise that is added to both, over the target's mean variance
_SPAN = 1e-7  # directions with less than this share of the target's variance count as directions without any
_EXACT = 256  # so many directions of largest variance are always compared one by one,
_MOST = 0.99  # and more until they hold this share of the target's variance


class WassersteinLoss(StyleLoss):
    """Squared 2-Wasserstein distance between normal distributions of features, relative to the target's mean square.

    |m - t|^2 + tr S + tr T - 2 tr (T^1/2 S T^1/2)^1/2 for means m, t and covariances S, T (Dowson and Landau 1982,
    equation 16). As a style loss: Mroueh 2019; it also sees the mean color of each feature, which a Gram matrix mixes
    with the covariance.

    The square root has an infinite slope where a covariance loses a rank, as all do that have more channels than
    positions. So a little white noise is added to both distributions within the span of the target, which keeps the
    distance 0 at the target and bounds the gradient. Outside of that span the target has no variance, and the formula
    is exact without its root: only a matrix as large as the target's rank is decomposed. Of the eigenvalues alone a
    gradient is taken; it needs no differences of eigenvalues, which might be 0.

    A decomposition takes time with the cube of the number of directions, and most of a wide layer's hold next to
    nothing. Where the target has more than 256, the last hundredth of its variance is compared by its sum alone. That
    is a lower bound of the distance, still 0 and flat at the target, and pictures do not tell the difference.

    Args:
        target: features of the style image, (1, C, H, W), or moments of several images or of parts of them.
    """

    mean: Tensor
    root: Tensor
    variances: Tensor
    noise: Tensor
    norm: Tensor
    rest: Tensor

    def __init__(self, target: Tensor | Moments) -> None:
        super().__init__()
        measured = target if isinstance(target, Moments) else moments(target)
        mean, covariance = _mean_and_covariance(measured)
        mean, covariance = mean.detach(), covariance.detach()
        variances, directions = torch.linalg.eigh(_precise(covariance))
        tiny = torch.finfo(mean.dtype).tiny
        variances, directions = variances.flip(0), directions.flip(1)
        spanned = int((variances > _SPAN * variances.sum().clamp_min(tiny)).sum())
        noise = _NOISE * variances[:spanned].mean() if spanned else variances.sum()
        kept = min(spanned, max(_EXACT, 1 + int((variances.cumsum(0) < _MOST * variances.sum()).sum())))
        rest = variances[kept:spanned].sum() + (spanned - kept) * noise
        variances, directions = variances[:kept] + noise, directions[:, :kept]
        root = (directions * variances.sqrt()).to(mean)
        norm = (mean.square().sum() + covariance.trace()).clamp_min(tiny)
        buffers = {"mean": mean, "norm": norm, "root": root, "variances": variances, "noise": noise, "rest": rest}
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor.to(mean), persistent=False)
        self._uncounted = spanned - kept

    def distance(self, statistics: Moments) -> Tensor:
        """Scalar distance of `statistics` to the target; 0 is equal, 1 is as far as a black image."""
        with torch.autocast(self.mean.device.type, enabled=False):
            mean, covariance = _mean_and_covariance(statistics)
            common = self.root.T @ covariance @ self.root
            inner = _precise(common) + _precise(torch.diag(self.noise * self.variances))
            # Rounding may leave the smallest eigenvalue, which is at least noise squared, a little below.
            least = _precise(self.noise).square()
            roots = torch.linalg.eigvalsh(inner).clamp_min(least).sqrt().sum()
            spread = covariance.trace() + self.noise * len(self.variances) + self.variances.sum()
            distance = _precise(spread) - 2 * roots + self._of_the_rest(covariance, common)
            difference = (mean - self.mean).square().sum()
            relative: Tensor = (difference + distance.to(difference)) / self.norm
            return relative

    def _of_the_rest(self, covariance: Tensor, common: Tensor) -> Tensor | float:
        """What directions that are not looked at one by one add, beside the variance that `covariance` has in them."""
        if not self._uncounted:
            return 0.0
        noise = self.noise * self._uncounted
        there = covariance.trace() - (common.diagonal() / self.variances).sum()
        both = _precise(there.clamp_min(0.0) + noise) * _precise(self.rest)
        return _precise(noise + self.rest) - 2 * both.sqrt()


def _mean_and_covariance(statistics: Moments) -> tuple[Tensor, Tensor]:
    """(C,) and (C, C)."""
    mean = statistics.total / statistics.count
    return mean, statistics.gram - torch.outer(mean, mean)


def _precise(matrix: Tensor) -> Tensor:
    """In float64, on the CPU where the device has none."""
    return matrix.double() if matrix.device.type != "mps" else matrix.cpu().double()
