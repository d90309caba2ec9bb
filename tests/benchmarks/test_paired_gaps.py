"""Gaps of known size: what is closed, and how sure that is."""

import math

import pytest

from benchmarks.paired_gaps import Unit, compared, gap, share_closed


def _groups(*gaps: dict[float, float], pairs: int = 1) -> list[list[Unit]]:
    """A unit for each seed: the robust network has 0.1, 0.2, ..., the standard one the gap more."""
    seeds = [
        Unit({factor: 0.1 * number + more for factor, more in some.items()}, dict.fromkeys(some, 0.1 * number))
        for number, some in enumerate(gaps, start=1)
    ]
    return [seeds] * pairs


@pytest.mark.parametrize(("left", "share"), [(0.4, 0.0), (0.2, 0.5), (0.0, 1.0), (-0.2, 1.5), (0.6, -0.5)])
def test_share__of_a_gap_of_two_fifths(left: float, share: float) -> None:
    groups = _groups({1.0: 0.4, 2.0: left}, {1.0: 0.4, 2.0: left}, pairs=2)
    row = compared(groups, 2.0, 1.0)
    assert row.difference == pytest.approx((-left, -left, -left))
    assert row.closed == pytest.approx((share, share, share))


def test_means_and_ranges_over_seeds() -> None:
    row = compared(_groups({1.0: 0.1}, {1.0: 0.4}, {1.0: 0.1}), 1.0, 1.0)
    assert row.robust == pytest.approx((0.2, 0.1, 0.3))
    assert row.standard == pytest.approx((0.4, 0.2, 0.6))
    assert row.ratio == pytest.approx((0.5, 1 / 3, 0.75))  # of the means: not the mean of the ratios, 0.53
    assert row.difference == pytest.approx((-0.2, -0.4, -0.1))
    assert row.closed is None


def test_share__is_paired_across_factors() -> None:
    """Seeds of very different gaps, each half closed: the share is as sure as if they were alike."""
    row = compared(_groups(*({1.0: size, 3.0: size / 2} for size in (0.1, 1.0, 5.0))), 3.0, 1.0)
    assert row.closed == pytest.approx((0.5, 0.5, 0.5))
    assert row.difference.low < -2.0 < row.difference.high


def test_share__interval_holds_the_shares_of_single_seeds() -> None:
    row = compared(_groups({1.0: 0.4, 2.0: 0.1}, {1.0: 0.4, 2.0: 0.3}), 2.0, 1.0)
    assert row.closed == pytest.approx((0.5, 0.25, 0.75))


@pytest.mark.parametrize("before", [(-0.1, -0.2, -0.3), (0.3, 0.3, -0.2), (0.0, 0.0, 0.0)])
def test_share__none_where_the_standard_network_is_not_surely_worse(before: tuple[float, ...]) -> None:
    assert compared(_groups(*({1.0: size, 2.0: 0.05} for size in before)), 2.0, 1.0).closed is None


def test_no_gap_has_no_share() -> None:
    units = [Unit({1.0: 0.3, 2.0: 0.2}, {1.0: 0.3, 2.0: 0.1})]
    assert gap(units, 1.0) == 0.0
    assert math.isnan(share_closed(units, 2.0, 1.0))
