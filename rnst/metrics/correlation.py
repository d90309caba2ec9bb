"""Correlation of two quantities over several points, with its confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

_Z_95 = 1.959964  # standard deviations around the mean that contain 95 % of a normal distribution
_TINY = 1e-12
_LEAST = 3  # two points always lie on a line


@dataclass(frozen=True)
class Correlation:
    """Pearson's coefficient; NaN where it is undefined.

    Attributes:
        points: number of points.
        coefficient: from -1 to 1.
        low: lower end of the 95 % interval; NaN for less than four points.
        high: upper end of the interval.
    """

    points: int
    coefficient: float
    low: float
    high: float


def correlation(first: Sequence[float], second: Sequence[float]) -> Correlation:
    r"""Pearson's coefficient with the interval of Fisher's transform (Fisher 1921).

    .. math:: \tanh(\operatorname{artanh} r \pm 1.96 / \sqrt{n - 3})

    It takes the points as independent and normally distributed. That of a bootstrap is far too short for few points.

    Args:
        first: first quantity of each point.
        second: second quantity of each point.
    """
    points = torch.tensor([first, second], dtype=torch.float64)
    count = points.shape[1]
    if count < _LEAST:
        return Correlation(count, math.nan, math.nan, math.nan)
    found = _coefficient(points)
    reach = _Z_95 / math.sqrt(count - _LEAST) if count > _LEAST else math.nan
    low, high = (torch.tanh(torch.atanh(found) + side * reach).item() for side in (-1, 1))
    return Correlation(count, found.item(), low, high)


def _coefficient(points: torch.Tensor) -> torch.Tensor:
    """(2, count) to a scalar; NaN if either quantity is constant."""
    centered = points - points.mean(1, keepdim=True)
    lengths = torch.linalg.vector_norm(centered, dim=1)
    together = (centered[0] * centered[1]).sum() / (lengths[0] * lengths[1])
    return torch.where((lengths > _TINY).all(), together.clamp(-1.0, 1.0), math.nan)
