"""Activation smoothing: the softmax of a layer replaces its features (SWAG, Wang, Li and Vasconcelos 2021)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rnst.losses.conventions import relative_factor
from rnst.losses.perceptual import Factor, GramLoss
from rnst.losses.statistics import WHOLE, Moments, Window

_LINEAR_ABOVE = 30.0  # exp(30) squared, summed over a million positions, is still a float32


def exponentials(features: Tensor) -> Tensor:
    """exp(features) in float32 or float64; above 30 its tangent, so that sums of squares do not overflow.

    Features above 30 therefore count less against each other than in an exact softmax.
    """
    precise = features if features.dtype == torch.float64 else features.float()
    return precise.clamp_max(_LINEAR_ABOVE).exp() * (1 + (precise - _LINEAR_ABOVE).clamp_min(0))


def softened(statistics: Moments) -> Moments:
    """Moments of the softmax over a whole layer, from the moments of its exponentials.

    The softmax is multiplied by the number of its values, so that their mean is 1 for every image size; in the paper
    their sum is 1. Losses relative to their target are the same for both.
    """
    channels = statistics.total.shape[-1]
    mean = statistics.total.sum() / (statistics.count * channels)
    return Moments(statistics.count, statistics.total / mean, statistics.outer / mean.square())


class Softened(nn.Module):
    """A style loss on the softmax of features.

    Args:
        loss: style loss whose target is `softened` of the moments of the style's `exponentials`.
    """

    def __init__(self, loss: GramLoss | nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def statistics(self, features: Tensor, window: Window = WHOLE, weights: Tensor | None = None) -> Moments:
        """Additive statistics of features (1, C, H, W): moments of their exponentials."""
        with torch.autocast(features.device.type, enabled=False):
            found: Moments = self.loss.statistics(exponentials(features), window, weights)  # type: ignore[operator]
            return found

    def distance(self, statistics: Moments) -> Tensor:
        """Scalar distance to the target."""
        distance: Tensor = self.loss.distance(softened(statistics))  # type: ignore[operator]
        return distance

    def forward(self, features: Tensor) -> Tensor:
        """Distance of features (1, C, H, W) to the target."""
        return self.distance(self.statistics(features))


@dataclass(frozen=True)
class ExponentialSums:
    """Sums over positions and channels from which the squared difference of two softmaxes is computed.

    Attributes:
        count: number of values.
        total: sum of exponentials.
        squares: sum of their squares.
        products: sum of their products with the target.
    """

    count: float
    total: Tensor
    squares: Tensor
    products: Tensor


class SoftenedContentLoss(nn.Module):
    """Content as the softmax of features.

    The square of the difference is expanded, so that its parts can be added over tiles before the whole sum of
    exponentials is known.

    Args:
        target: features of the content image, (1, C, H, W).
        factor: target -> factor of the sum of squares.
    """

    target: Tensor
    factor: Tensor
    square: Tensor

    def __init__(self, target: Tensor, factor: Factor = relative_factor) -> None:
        super().__init__()
        softmax = exponentials(target.detach())
        softmax = softmax / softmax.mean()
        self.register_buffer("target", softmax, persistent=False)
        self.register_buffer("factor", factor(softmax), persistent=False)
        self.register_buffer("square", _sum(softmax.square()), persistent=False)

    def statistics(self, features: Tensor, window: Window = WHOLE) -> ExponentialSums:
        """Additive statistics of features (1, C, H, W), which cover `window` of the target."""
        with torch.autocast(features.device.type, enabled=False):
            raised = exponentials(features)
            products = raised * self.target[(..., *window)]
            return ExponentialSums(float(raised.numel()), _sum(raised), _sum(raised.square()), _sum(products))

    def distance(self, statistics: ExponentialSums) -> Tensor:
        """Scalar distance: 0 at the target."""
        mean = statistics.total / statistics.count
        difference = statistics.squares / mean.square() - 2 * statistics.products / mean + self.square
        return self.factor * difference.clamp_min(0).to(self.factor.dtype)

    def forward(self, features: Tensor) -> Tensor:
        """Distance of features (1, C, H, W) to the target."""
        return self.distance(self.statistics(features))


def _sum(values: Tensor) -> Tensor:
    """Sum in float64, which MPS lacks: the parts of the difference nearly cancel."""
    return values.sum(dtype=values.dtype if values.device.type == "mps" else torch.float64)
