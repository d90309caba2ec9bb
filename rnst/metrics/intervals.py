"""Confidence intervals of means of few values, and of any other statistic."""

import math
import random
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple, TypeVar

# 97.5 % quantiles of Student's t distribution for 1, 2, ... degrees of freedom.
_QUANTILES = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_NORMAL = NormalDist().inv_cdf(0.975)
_FEWEST = 2
_DRAWS = 1000
_TAIL = 0.025  # of the resamples on each side

_Unit = TypeVar("_Unit")


class Interval(NamedTuple):
    """A mean and its 95 % confidence interval.

    Attributes:
        mean: of the values.
        half: half the length of the interval; NaN for a single value.
        values: their number.
    """

    mean: float
    half: float
    values: int


def confidence(values: Sequence[float]) -> Interval:
    """Mean with Student's 95 % interval, which takes the values as independent and normally distributed.

    Args:
        values: at least one.
    """
    count = len(values)
    mean = math.fsum(values) / count
    if count < _FEWEST:
        return Interval(mean, math.nan, count)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return Interval(mean, _quantile(count - 1) * math.sqrt(variance / count), count)


def _quantile(freedom: int) -> float:
    """97.5 % quantile of Student's t distribution; beyond the table by its expansion, to four digits."""
    if freedom <= len(_QUANTILES):
        return _QUANTILES[freedom - 1]
    z = _NORMAL
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def bootstrap(
    groups: Sequence[Sequence[_Unit]], statistic: Callable[[list[_Unit]], float], seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of a statistic by the bootstrap in two stages.

    After Efron 1979, and Davison and Hinkley 1997, section 3.8. Groups are drawn with replacement, then units with
    replacement inside each: what varies between groups counts once for each group, however many units it has. Of one
    group with few units the interval is little more than their range. It is then too short, and states nothing about
    other groups.

    Args:
        groups: at least one, each with at least one unit, as pairs of a photo and a painting with their seeds.
        statistic: of the units of all drawn groups together. Draws for which it is NaN do not count.
        seed: of the 1000 draws.

    Returns:
        Lower and upper end; NaN where the statistic is NaN in every draw.
    """
    generator = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for _ in range(_DRAWS):
        drawn = generator.choices(groups, k=len(groups))
        found.append(statistic([unit for group in drawn for unit in generator.choices(group, k=len(group))]))
    values = sorted(value for value in found if not math.isnan(value))
    if not values:
        return math.nan, math.nan
    last = len(values) - 1
    return values[round(_TAIL * last)], values[round((1.0 - _TAIL) * last)]
