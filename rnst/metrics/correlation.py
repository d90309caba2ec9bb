"""Correlation of two quantities over several points, with its confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

_DRAWS = 2000
_ENDS = (0.025, 0.975)
_TINY = 1e-12
_LEAST = 3  # two points always lie on a line


@dataclass(frozen=True)
class Correlation:
    """Pearson's coefficient; NaN where it is undefined.

    Attributes:
        points: number of points.
        coefficient: from -1 to 1.
        low: lower end of the 95 % interval.
        high: upper end of the interval.
    """

    points: int
    coefficient: float
    low: float
    high: float


def correlation(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Correlation:
    """Pearson's coefficient with its percentile interval over bootstrap samples of the points (Efron 1979).

    Bootstrap samples that contain a single point have no coefficient and are left out. The interval of few points is
    wide, as it should be: that of three points reaches from -1 to 1 if no point lies between the others.

    Args:
        first: first quantity of each point.
        second: second quantity of each point.
        seed: seed of the bootstrap.
    """
    points = torch.tensor([first, second], dtype=torch.float64)
    count = points.shape[1]
    if count < _LEAST:
        return Correlation(count, math.nan, math.nan, math.nan)
    drawn = torch.randint(count, (_DRAWS, count), generator=torch.Generator().manual_seed(seed))
    found = _coefficients(points[:, drawn])
    low, high = torch.nanquantile(found, torch.tensor(_ENDS, dtype=torch.float64)).tolist()
    return Correlation(count, _coefficients(points[:, None]).item(), low, high)


def _coefficients(points: torch.Tensor) -> torch.Tensor:
    """(2, draws, count) to (draws,); NaN where either quantity is constant."""
    centered = points - points.mean(2, keepdim=True)
    lengths = torch.linalg.vector_norm(centered, dim=2)
    together = (centered[0] * centered[1]).sum(1) / (lengths[0] * lengths[1])
    return torch.where((lengths > _TINY).all(0), together.clamp(-1.0, 1.0), math.nan)
