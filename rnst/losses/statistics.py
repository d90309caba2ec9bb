"""Additive statistics of features, which style losses use, of a whole image or of its tiles."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.losses.outer_product import sums_over_positions

# Rows and columns of a layer that features cover: of a tile, or of the whole image. A loss whose statistics depend on
# the position, as content and masks do, crops its own maps to the window: `target[(..., *window)]`.
Window = tuple[slice, slice]
WHOLE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class Moments:
    """Sums over positions. The moments of two halves of an image add up to the moments of the whole image.

    Attributes:
        count: number of positions, or the sum of their weights.
        total: (C,) sum of features.
        outer: (C, C) sum of outer products of features.
    """

    count: float | Tensor
    total: Tensor
    outer: Tensor

    @property
    def gram(self) -> Tensor:
        """(C, C) mean outer product: the Gram matrix divided by the number of positions."""
        return self.outer / self.count


def moments(features: Tensor, weights: Tensor | None = None) -> Moments:
    """Moments of features (1, C, H, W), in float32, or in float64 for float64 features.

    Half precision is insufficient: sums over many thousand positions overflow float16 and lose digits in bfloat16.

    Args:
        features: (1, C, H, W).
        weights: (1, 1, H, W), 0 or more, of each position; None means 1. The count is their sum.
    """
    with torch.autocast(features.device.type, enabled=False):
        positions = features.squeeze(0).permute(1, 2, 0).flatten(0, 1)
        if weights is None:
            return Moments(float(positions.shape[0]), *sums_over_positions(positions))
        precision = torch.float64 if features.dtype == torch.float64 else torch.float32
        shares = weights.to(precision).flatten().unsqueeze(1)
        _, outer = sums_over_positions(positions * shares.sqrt())
        return Moments(shares.sum(), (positions * shares).sum(0), outer)


def blend(parts: Sequence[Moments], weights: Sequence[float]) -> Moments:
    """Moments of a mixture: a set of positions in which the share of each part is its weight.

    Blending moments instead of distances is exact for everything computed from them: Gram matrix, mean, covariance.

    Args:
        parts: the number of positions of a part has no effect on its share.
        weights: of the parts, 0 or more, with a positive sum.
    """
    shares = [weight / sum(weights) / part.count for part, weight in zip(parts, weights, strict=True)]
    total = torch.stack([part.total * share for part, share in zip(parts, shares, strict=True)]).sum(0)
    outer = torch.stack([part.outer * share for part, share in zip(parts, shares, strict=True)]).sum(0)
    return Moments(1.0, total, outer)
