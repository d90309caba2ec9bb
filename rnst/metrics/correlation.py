"""How surely do two figures of several things go together?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

_DRAWS = 2000
_ENDS = (0.025, 0.975)
_TINY = 1e-12
_LEAST = 3  # through two points there is always a line


@dataclass(frozen=True)
class Correlation:
    """Pearson's coefficient; not a number where it is not defined.

    Attributes:
        points: how many there are.
        coefficient: from -1 to 1.
        low: end of the 95 % interval.
        high: its other end.
    """

    points: int
    coefficient: float
    low: float
    high: float


def correlation(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Correlation:
    """Pearson's coefficient with its percentile interval from resamplings of the points (Efron 1979).

    Resamplings that hold one point alone define none and are left out. Of few points the interval is wide, as it should
    be: of three it reaches from -1 to 1 wherever one point does not lie between the others.

    Args:
        first: one figure of each point.
        second: the other one.
        seed: of the resampling.
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
    """(2, draws, count) to (draws,); not a number where either figure is the same everywhere."""
    centered = points - points.mean(2, keepdim=True)
    lengths = torch.linalg.vector_norm(centered, dim=2)
    together = (centered[0] * centered[1]).sum(1) / (lengths[0] * lengths[1])
    return torch.where((lengths > _TINY).all(0), together.clamp(-1.0, 1.0), math.nan)
