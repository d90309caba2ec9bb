"""Color parametrizations for optimizers: unbounded channels, either plain or decorrelated."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

# Square root of the covariance of RGB values over ImageNet photos, K = U sqrt(S). Figures: lucid (Olah et al. 2017).
_COLOR_ROOT = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
_MARGIN = 1e-3  # pixels at 0 and 1 would need infinite parameters
_KNEE = 0.05


class ImageColor(nn.Module, ABC):
    """A map between RGB in (0, 1) and three unbounded channels."""

    @abstractmethod
    def to_rgb(self, channels: Tensor) -> Tensor:
        """Unbounded channels (N, 3, H, W) to RGB in (0, 1), in float32 also under autocast."""

    @abstractmethod
    def from_rgb(self, image: Tensor) -> Tensor:
        """Inverse of `to_rgb`; pixels are first clamped to [0.001, 0.999]."""


class PlainColor(ImageColor):
    """RGB without a transform, except for a soft knee within 0.05 of black and white that keeps it in range.

    The gradient reaches all colors outside of the knee unchanged. For the same objective L-BFGS needs a third of the
    evaluations that it needs with `DecorrelatedColor`, whose sigmoid and matrix reduce the gradients of dark and bright
    pixels and of all saturated colors (docs/log/2026-11-performance.md).
    """

    def to_rgb(self, channels: Tensor) -> Tensor:
        """Unbounded channels (N, 3, H, W) to RGB in [0, 1], in float32 also under autocast."""
        core = channels.clamp(_KNEE, 1.0 - _KNEE)
        return core + _KNEE * ((channels - core) / _KNEE).tanh()

    def from_rgb(self, image: Tensor) -> Tensor:
        """Inverse of `to_rgb`; pixels are first clamped to [0.001, 0.999]."""
        image = image.clamp(_MARGIN, 1.0 - _MARGIN)
        core = image.clamp(_KNEE, 1.0 - _KNEE)
        return core + _KNEE * ((image - core) / _KNEE).atanh()


class DecorrelatedColor(ImageColor):
    """RGB in (0, 1) as the sigmoid of a linear map of three uncorrelated channels.

    The map is K divided by its largest column norm, as in lucid. White noise in the new channels has the colors of
    photos, which is a prior for images that start from noise. The sigmoid keeps every pixel in range without a clamp,
    which would change parameters outside of the optimizer.

    Args:
        root: K, (3, 3), see `fit_color_root`; None means that of ImageNet.
    """

    matrix: Tensor
    inverse: Tensor

    def __init__(self, root: Tensor | None = None) -> None:
        super().__init__()
        root = torch.tensor(_COLOR_ROOT) if root is None else root
        root = root.double()
        matrix = root / torch.linalg.vector_norm(root, dim=0).max()
        self.register_buffer("matrix", matrix.float(), persistent=False)
        self.register_buffer("inverse", torch.linalg.inv(matrix).float(), persistent=False)

    def to_rgb(self, channels: Tensor) -> Tensor:
        """Unbounded channels (N, 3, H, W) to RGB in (0, 1), in float32 also under autocast."""
        with torch.autocast(channels.device.type, enabled=False):
            return torch.einsum("ij,njhw->nihw", self.matrix, channels).sigmoid()

    def from_rgb(self, image: Tensor) -> Tensor:
        """Inverse of `to_rgb`; pixels are first clamped to [0.001, 0.999]."""
        with torch.autocast(image.device.type, enabled=False):
            logits = image.clamp(_MARGIN, 1.0 - _MARGIN).logit()
            return torch.einsum("ij,njhw->nihw", self.inverse, logits)


def fit_color_root(images: Iterable[Tensor]) -> Tensor:
    """K = U sqrt(S) of the covariance U S U^T of the RGB values of all pixels together: K K^T is that covariance.

    lucid computed its constants from ImageNet in this way. The sign of a column is arbitrary; we make its sum positive,
    or its first entry if the sum is almost 0.

    Args:
        images: at least one, each (1, 3, H, W) in [0, 1].

    Returns:
        (3, 3), the direction of largest variance first. A column of almost no variance gets a thousandth of the norm of
        the first, so that gray photos give an invertible matrix.
    """
    count, total, outer = 0, torch.zeros(3, dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
    for image in images:
        pixels = image.double().squeeze(0).flatten(1)
        count, total, outer = count + pixels.shape[1], total + pixels.sum(1), outer + pixels @ pixels.T
    mean = total / count
    variances, directions = torch.linalg.eigh(outer / count - torch.outer(mean, mean))
    variances, directions = variances.flip(0), directions.flip(1)
    variances = variances.clamp_min(max(1e-6 * float(variances[0]), 1e-12))
    sums = directions.sum(0)
    signs = torch.where(sums.abs() > 0.5, sums, directions[0]).sign()  # noqa: PLR2004 - of a column of length 1
    root: Tensor = (directions * signs * variances.sqrt()).float()
    return root
