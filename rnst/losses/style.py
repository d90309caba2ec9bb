"""Base class of the style losses: each is a distance between sums of features over positions."""

from torch import Tensor, nn

from rnst.losses.statistics import WHOLE, Moments, Window, moments


class StyleLoss(nn.Module):
    """A distance to a style that depends only on the moments of features, and so not on their positions."""

    def statistics(
        self,
        features: Tensor,
        window: Window = WHOLE,  # noqa: ARG002 - moments do not depend on the position
        weights: Tensor | None = None,
    ) -> Moments:
        """Additive statistics of features (1, C, H, W), weighted at each position by `weights` (1, 1, H, W)."""
        return moments(features, weights)

    def distance(self, statistics: Moments) -> Tensor:
        """Scalar distance of `statistics` to the target: 0 at the target, 1 for features that are all zero."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        """Distance of features (1, C, H, W) to the target."""
        return self.distance(self.statistics(features))
