"""Additive statistics of features: what a style loss must know of an image, whole or in tiles."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from rnst.losses.outer_product import sum_of_outer_products

# Rows and columns of a layer that some features cover: a tile of the picture, or the whole of it. A term whose
# statistics depend on the place, as content and masks do, cuts its own maps to it: `target[(..., *window)]`.
Window = tuple[slice, slice]
WHOLE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class Moments:
    """Sums over positions. Those of two halves of an image add up to those of the whole.

    Attributes:
        count: number of positions.
        total: (C,) sum of features.
        outer: (C, C) sum of outer products of features.
    """

    count: float
    total: Tensor
    outer: Tensor

    def __add__(self, other: Self) -> "Moments":
        """Moments of both sets of positions together."""
        return Moments(self.count + other.count, self.total + other.total, self.outer + other.outer)

    @property
    def gram(self) -> Tensor:
        """(C, C) mean outer product: the Gram matrix divided by the number of positions."""
        return self.outer / self.count


def moments(features: Tensor) -> Moments:
    """Moments of features (1, C, H, W), in float32 (or float64 where the features are).

    Half precision is not enough here: sums over many thousand positions overflow float16 and lose digits in bfloat16.
    """
    with torch.autocast(features.device.type, enabled=False):
        positions = features.squeeze(0).permute(1, 2, 0).flatten(0, 1)
        precision = torch.float64 if features.dtype == torch.float64 else torch.float32
        total = positions.sum(0, dtype=precision)
        return Moments(float(positions.shape[0]), total, sum_of_outer_products(positions))
