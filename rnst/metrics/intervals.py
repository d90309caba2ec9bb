"""Confidence intervals of means of few values."""

import math
from collections.abc import Sequence
from typing import NamedTuple

# 97.5 % quantiles of Student's t distribution for 1, 2, ... degrees of freedom.
_QUANTILES = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131),
    *(2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_OF_MANY = 1.96
_FEWEST = 2


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
    quantile = _QUANTILES[count - 2] if count - 2 < len(_QUANTILES) else _OF_MANY
    return Interval(mean, quantile * math.sqrt(variance / count), count)
