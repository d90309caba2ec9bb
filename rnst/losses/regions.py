"""Regions of a picture that have styles of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from rnst.losses.statistics import WHOLE, Moments, Window

_SMALLEST_SHARE = 1e-6  # a region that is lost at the resolution of a layer says nothing there


@dataclass(frozen=True)
class RegionalMoments:
    """Moments of each of R regions, one above the other; they add up as those of one do.

    Attributes:
        count: (R,) sums of weights.
        total: (R, C) weighted sums of features.
        outer: (R, C, C) weighted sums of outer products.
    """

    count: Tensor
    total: Tensor
    outer: Tensor

    def __add__(self, other: Self) -> "RegionalMoments":
        """Moments of both sets of positions together."""
        return RegionalMoments(self.count + other.count, self.total + other.total, self.outer + other.outer)


class RegionalLoss(nn.Module):
    """One style loss for each region; each counts by the share of the picture that it covers.

    So the pull on a pixel is as strong as without regions, however small its own is. Gatys et al. 2017 (Controlling
    perceptual factors, section 4) guide Gram matrices likewise; they give every region the same weight instead.

    Args:
        losses: of the regions; each has `statistics(features, window, weights)`, which are moments, and `distance`.
        masks: (1, 1, H, W) in [0, 1] for each region, at the resolution of the layer. Where they add up to less than 1,
            the picture is free of style to that degree.
    """

    masks: Tensor
    shares: Tensor

    def __init__(self, losses: Sequence[nn.Module], masks: Sequence[Tensor]) -> None:
        super().__init__()
        self._losses = nn.ModuleList(losses)
        self.register_buffer("masks", torch.stack([mask.detach() for mask in masks]), persistent=False)
        self.register_buffer("shares", self.masks.float().mean((1, 2, 3, 4)), persistent=False)

    def statistics(self, features: Tensor, window: Window = WHOLE) -> RegionalMoments:
        """Additive statistics of features (1, C, H, W) that cover `window` of the picture."""
        terms: tuple[Any, ...] = tuple(self._losses)
        found: list[Moments] = [
            term.statistics(features, window, mask)
            for term, mask in zip(terms, self.masks[(..., *window)], strict=True)
        ]
        counts = torch.stack([torch.as_tensor(part.count, device=features.device) for part in found])
        total = torch.stack([part.total for part in found])
        return RegionalMoments(counts, total, torch.stack([part.outer for part in found]))

    def distance(self, statistics: RegionalMoments) -> Tensor:
        """Scalar: the mean distance over all positions that have a style, times the share of those in the picture."""
        distance = statistics.total.new_zeros(())
        terms: tuple[Any, ...] = tuple(self._losses)
        for index, term in enumerate(terms):
            if self.shares[index] > _SMALLEST_SHARE:
                parts = (statistics.count[index], statistics.total[index], statistics.outer[index])
                distance = distance + self.shares[index] * term.distance(Moments(*parts))
        return distance

    def forward(self, features: Tensor) -> Tensor:
        """Distance of features (1, C, H, W) of the whole picture."""
        return self.distance(self.statistics(features))
