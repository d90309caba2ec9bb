"""Style as a distribution of features: the Wasserstein distance between two normal distributions."""

import torch
from torch import Tensor

from rnst.errors import RnstError
from rnst.losses.statistics import Moments, moments
from rnst.losses.style import StyleLoss

_NOISE = 1e-4  # variance of the noise that is added to both distributions, over the target's mean variance
_SPAN = 1e-7  # directions with less than this share of the target's variance count as variance 0
_EXACT = 256  # least number of directions of largest variance that are compared exactly
_MOST = 0.99  # share of the target's variance that the exactly compared directions hold


class FeaturesError(RnstError):
    """The network has no usable features of a style."""

    def __init__(self) -> None:
        super().__init__(
            "the network's features of the style are NaN or infinite: its weights are damaged, or too large for "
            "--precision bf16 (try fp32)"
        )


class WassersteinLoss(StyleLoss):
    """Squared 2-Wasserstein distance between normal distributions of features, relative to the target's mean square.

    |m - t|^2 + tr S + tr T - 2 tr (T^1/2 S T^1/2)^1/2 for means m, t and covariances S, T (Dowson and Landau 1982,
    equation 16). As a style loss: Mroueh 2019. It compares means and covariances separately; a Gram matrix mixes them.

    The square root has an infinite slope where a covariance is singular, as every covariance of more channels than
    positions is. A little white noise is therefore added to both distributions within the span of the target. The noise
    keeps the distance 0 at the target and bounds the gradient. Outside of that span the target has no variance, and the
    root vanishes: only a matrix as large as the target's rank is decomposed. The gradient uses the eigenvalues only;
    it does not divide by differences of eigenvalues, which may be 0.

    The time of a decomposition grows with the cube of the number of directions, and most directions of a wide layer
    have almost no variance. If the target has more than 256 directions, the last hundredth of its variance is compared
    only by its sum. The result is a lower bound of the distance, still 0 with gradient 0 at the target; stylized images
    show no visible difference.

    Args:
        target: features of the style image, (1, C, H, W), or moments of several images or of parts of them.

    Raises:
        FeaturesError: they are NaN or infinite.
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
        if not bool(covariance.isfinite().all()):
            raise FeaturesError
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
        """Scalar distance of `statistics` to the target: 0 at the target, 1 for features that are all zero."""
        with torch.autocast(self.mean.device.type, enabled=False):
            mean, covariance = _mean_and_covariance(statistics)
            common = self.root.T @ covariance @ self.root
            inner = _precise(common) + _precise(torch.diag(self.noise * self.variances))
            # The smallest eigenvalue is at least noise squared; rounding may give a slightly smaller one.
            least = _precise(self.noise).square()
            roots = _eigenvalues(inner).clamp_min(least).sqrt().sum()
            spread = covariance.trace() + self.noise * len(self.variances) + self.variances.sum()
            distance = _precise(spread) - 2 * roots + self._of_the_rest(covariance, common)
            difference = (mean - self.mean).square().sum()
            relative: Tensor = (difference + distance.to(difference)) / self.norm
            return relative

    def _of_the_rest(self, covariance: Tensor, common: Tensor) -> Tensor | float:
        """Contribution of the directions compared by their sum, without their variance in `covariance`."""
        if not self._uncounted:
            return 0.0
        noise = self.noise * self._uncounted
        there = covariance.trace() - (common.diagonal() / self.variances).sum()
        both = _precise(there.clamp_min(0.0) + noise) * _precise(self.rest)
        return _precise(noise + self.rest) - 2 * both.sqrt()


def _eigenvalues(matrix: Tensor) -> Tensor:
    """Eigenvalues of a symmetric matrix; NaN where it has none, as the loss of such an image is to be."""
    try:
        values: Tensor = torch.linalg.eigvalsh(matrix)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined] # a public name of torch
        return matrix.diagonal() * torch.nan
    return values


def _mean_and_covariance(statistics: Moments) -> tuple[Tensor, Tensor]:
    """Mean (C,) and covariance (C, C)."""
    mean = statistics.total / statistics.count
    return mean, statistics.gram - torch.outer(mean, mean)


def _precise(matrix: Tensor) -> Tensor:
    """The matrix in float64; on the CPU for MPS, which lacks float64."""
    return matrix.double() if matrix.device.type != "mps" else matrix.cpu().double()
