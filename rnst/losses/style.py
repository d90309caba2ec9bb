"""What all style losses share: they see features through sums over positions, and measure how far those are."""

from torch import Tensor, nn

from rnst.losses.statistics import WHOLE, Moments, Window, moments


class StyleLoss(nn.Module):
    """A distance to a style that depends on the moments of features alone, and so not on where things are."""

    def statistics(
        self,
        features: Tensor,
        window: Window = WHOLE,  # noqa: ARG002 - the same everywhere
        weights: Tensor | None = None,
    ) -> Moments:
        """Additive statistics of features (1, C, H, W), of which each position counts by its weight (1, 1, H, W)."""
        return moments(features, weights)

    def distance(self, statistics: Moments) -> Tensor:
        """Scalar distance of `statistics` to the target; 0 is equal, 1 is as far as a black image."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        """Distance of features (1, C, H, W) to the target."""
        return self.distance(self.statistics(features))
