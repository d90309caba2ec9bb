"""Style and content losses: distances to a target that is measured once."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rnst.losses.conventions import relative_factor
from rnst.losses.statistics import WHOLE, Moments, Window, moments
from rnst.losses.style import StyleLoss

Factor = Callable[[Tensor], Tensor]


class GramLoss(StyleLoss):
    """Style as the Gram matrix of features (Gatys et al. 2016, equations 3 to 5), independent of scale.

    The distance is ||G - T||^2 / ||T||^2 in the Frobenius norm, with G and T divided by their number of positions. The
    paper divides by layer sizes instead; relative to the target, one weight has the same effect for every layer and
    network. Factors other than 1 / ||T||^2 give other conventions (see `rnst.losses.conventions`).

    Args:
        target: features of the style image, (1, C, H, W), or moments of several images or of parts of them.
        factor: target's Gram matrix -> factor of the sum of squares.
    """

    target: Tensor
    factor: Tensor

    def __init__(self, target: Tensor | Moments, factor: Factor = relative_factor) -> None:
        super().__init__()
        gram = (target if isinstance(target, Moments) else moments(target)).gram.detach()
        self.register_buffer("target", gram, persistent=False)
        self.register_buffer("factor", factor(gram), persistent=False)

    def distance(self, statistics: Moments) -> Tensor:
        """Scalar distance of `statistics` to the target: 0 at the target, 1 for features that are all zero."""
        return (statistics.gram - self.target).square().sum() * self.factor


class ContentLoss(nn.Module):
    """Content as the features themselves (Gatys et al. 2016, equation 1), relative to the target's squared norm.

    Args:
        target: features of the content image, (1, C, H, W).
        factor: target -> factor of the sum of squares.
    """

    target: Tensor
    factor: Tensor

    def __init__(self, target: Tensor, factor: Factor = relative_factor) -> None:
        super().__init__()
        target = target.detach().clone()
        self.register_buffer("target", target, persistent=False)
        self.register_buffer("factor", factor(target), persistent=False)

    def statistics(self, features: Tensor, window: Window = WHOLE) -> Tensor:
        """Sum of squared differences to `window` of the target, which the features cover; additive over positions."""
        with torch.autocast(features.device.type, enabled=False):
            difference = features - self.target[(..., *window)]
            return (difference if difference.dtype == torch.float64 else difference.float()).square().sum()

    def distance(self, statistics: Tensor) -> Tensor:
        """Scalar distance: 0 at the target, 1 for features that are all zero."""
        return statistics * self.factor

    def forward(self, features: Tensor) -> Tensor:
        """Distance of features (1, C, H, W) to the target."""
        return self.distance(self.statistics(features))
