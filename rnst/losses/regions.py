"""Style losses of image regions, each with its own style."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rnst.losses.statistics import WHOLE, Moments, Window

_SMALLEST_SHARE = 1e-6  # a region that vanishes at the resolution of a layer is ignored there


@dataclass(frozen=True)
class RegionalMoments:
    """Stacked moments of R regions; additive, same as `Moments`.

    Attributes:
        count: (R,) sums of weights.
        total: (R, C) weighted sums of features.
        outer: (R, C, C) weighted sums of outer products.
    """

    count: Tensor
    total: Tensor
    outer: Tensor


class RegionalLoss(nn.Module):
    """One style loss for each region, weighted by the share of the image that the region covers.

    The gradient at a pixel is then as strong as without regions, however small its region is. Gatys et al. 2017
    (Controlling perceptual factors, section 4) also use one Gram matrix for each region, but with equal weights.

    Args:
        losses: one for each region, with `statistics(features, window, weights)`, which returns moments, and
            `distance`.
        masks: (1, 1, H, W) in [0, 1] for each region, at the resolution of the layer. Where they add up to less than 1,
            the style loss is reduced accordingly.
    """

    masks: Tensor
    shares: Tensor

    def __init__(self, losses: Sequence[nn.Module], masks: Sequence[Tensor]) -> None:
        super().__init__()
        self._losses = nn.ModuleList(losses)
        self.register_buffer("masks", torch.stack([mask.detach() for mask in masks]), persistent=False)
        self.register_buffer("shares", self.masks.float().mean((1, 2, 3, 4)), persistent=False)

    def statistics(self, features: Tensor, window: Window = WHOLE) -> RegionalMoments:
        """Additive statistics of features (1, C, H, W) that cover `window` of the image."""
        terms: tuple[Any, ...] = tuple(self._losses)
        found: list[Moments] = [
            term.statistics(features, window, mask)
            for term, mask in zip(terms, self.masks[(..., *window)], strict=True)
        ]
        counts = torch.stack([torch.as_tensor(part.count, device=features.device) for part in found])
        total = torch.stack([part.total for part in found])
        return RegionalMoments(counts, total, torch.stack([part.outer for part in found]))

    def distance(self, statistics: RegionalMoments) -> Tensor:
        """Scalar: the mean distance over all positions with a style, times their share of the image."""
        distance = statistics.total.new_zeros(())
        terms: tuple[Any, ...] = tuple(self._losses)
        for index, term in enumerate(terms):
            if self.shares[index] > _SMALLEST_SHARE:
                parts = (statistics.count[index], statistics.total[index], statistics.outer[index])
                distance = distance + self.shares[index] * term.distance(Moments(*parts))
        return distance

    def forward(self, features: Tensor) -> Tensor:
        """Distance of features (1, C, H, W) of the whole image."""
        return self.distance(self.statistics(features))
