"""How far two networks are apart at each supersampling factor, and which share of the first gap is closed."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from rnst.metrics.intervals import bootstrap


class Unit(NamedTuple):
    """Pictures of one photo, painting and seed under one measure: supersampling factor -> value.

    Attributes:
        standard: of the standard network.
        robust: of the robust network.
    """

    standard: Mapping[float, float]
    robust: Mapping[float, float]


Groups = Sequence[Sequence[Unit]]
"""For each pair of photo and painting, a unit for each seed, in the same order of seeds."""


class Estimate(NamedTuple):
    """A value with its range, or with its interval."""

    value: float
    low: float
    high: float

    def shown(self, digits: int = 3) -> str:
        """As text."""
        return f"{self.value:.{digits}f} ({self.low:.{digits}f} to {self.high:.{digits}f})"


class Row(NamedTuple):
    """One supersampling factor.

    Attributes:
        standard: mean over all units, with the range of the seeds' means over pairs.
        robust: the same.
        ratio: of the mean of the robust network to that of the standard one, with the range over seeds.
        difference: mean of robust minus standard with a 95 % interval (bootstrap over pairs, and seeds in each).
        closed: share of the gap at the first factor that is closed, with an interval of the same draws; None at the
            first factor, and where the standard network is not worse there by more than chance.
    """

    standard: Estimate
    robust: Estimate
    ratio: Estimate
    difference: Estimate
    closed: Estimate | None


def gap(units: Sequence[Unit], factor: float) -> float:
    """Mean of standard minus robust: positive where the standard network is worse, if less is better."""
    return math.fsum(unit.standard[factor] - unit.robust[factor] for unit in units) / len(units)


def share_closed(units: Sequence[Unit], factor: float, first: float) -> float:
    """1 - gap(factor) / gap(first).

    Returns:
        0 where the gap is the same, 1 where there is none left, above 1 where the standard network is better, below 0
        where the gap has grown; NaN where there was none.
    """
    before = gap(units, first)
    return 1.0 - gap(units, factor) / before if before != 0.0 else math.nan


def compared(groups: Groups, factor: float, first: float, seed: int = 0) -> Row:
    """Both networks at one supersampling factor.

    Args:
        groups: all with the same number of seeds.
        factor: supersampling factor.
        first: factor whose gap is to be closed.
        seed: of the draws.
    """
    units = [unit for group in groups for unit in group]
    seeds = list(zip(*groups, strict=True))
    return Row(
        standard=_over_seeds(units, seeds, lambda some: _mean([unit.standard[factor] for unit in some])),
        robust=_over_seeds(units, seeds, lambda some: _mean([unit.robust[factor] for unit in some])),
        ratio=_over_seeds(units, seeds, lambda some: _ratio(some, factor)),
        difference=_with_interval(groups, units, lambda some: -gap(some, factor), seed),
        closed=_closed(groups, units, (factor, first), seed),
    )


def _closed(groups: Groups, units: Sequence[Unit], factors: tuple[float, float], seed: int) -> Estimate | None:
    factor, first = factors
    if factor == first:
        return None
    worse_by, _ = bootstrap(groups, lambda some: gap(some, first), seed)
    if not worse_by > 0.0:
        return None
    return _with_interval(groups, units, lambda some: share_closed(some, factor, first), seed)


def _with_interval(
    groups: Groups, units: Sequence[Unit], statistic: Callable[[Sequence[Unit]], float], seed: int
) -> Estimate:
    return Estimate(statistic(units), *bootstrap(groups, statistic, seed))


def _over_seeds(
    units: Sequence[Unit], seeds: Sequence[Sequence[Unit]], statistic: Callable[[Sequence[Unit]], float]
) -> Estimate:
    of_each = [statistic(some) for some in seeds]
    return Estimate(statistic(units), min(of_each), max(of_each))


def _ratio(units: Sequence[Unit], factor: float) -> float:
    below = math.fsum(unit.standard[factor] for unit in units)
    return math.fsum(unit.robust[factor] for unit in units) / below if below != 0.0 else math.nan


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
