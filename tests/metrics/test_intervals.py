import math

import pytest

from rnst.metrics.intervals import bootstrap, confidence


def test_student() -> None:
    """Four values with a standard deviation of 2: 3.182 standard errors of 1."""
    spread = math.sqrt(3.0)
    found = confidence([5.0 - spread, 5.0 + spread, 5.0 - spread, 5.0 + spread])
    assert found.mean == pytest.approx(5.0)
    assert found.half == pytest.approx(3.182)


def test_one_value__has_no_interval() -> None:
    found = confidence([0.25])
    assert found.mean == 0.25
    assert math.isnan(found.half)


@pytest.mark.parametrize(("count", "quantile"), [(31, 2.0423), (32, 2.0395), (64, 1.9983), (100, 1.9842)])
def test_many_values__have_the_quantile_of_their_number(count: int, quantile: float) -> None:
    """Quantiles of published tables."""
    values = [float(number % 2) for number in range(count)]
    error = math.sqrt(sum((value - sum(values) / count) ** 2 for value in values) / (count - 1) / count)
    assert confidence(values).half == pytest.approx(quantile * error, rel=2e-4)


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def test_bootstrap__agrees_with_the_normal_approximation() -> None:
    """The mean of 100 values with a deviation of 1/2 has a standard error of 1/20."""
    low, high = bootstrap([[0.0, 1.0] * 50], _mean)
    assert low == pytest.approx(0.5 - 1.96 / 20, abs=0.01)
    assert high == pytest.approx(0.5 + 1.96 / 20, abs=0.01)


def test_bootstrap__few_units_have_their_range() -> None:
    assert bootstrap([[0.1, 0.4, 0.2]], _mean) == pytest.approx((0.1, 0.4))


def test_bootstrap__units_of_a_group_are_not_independent() -> None:
    """Two groups without any spread inside: their means, however many units."""
    assert bootstrap([[0.0] * 50, [1.0] * 50], _mean) == pytest.approx((0.0, 1.0))


def test_bootstrap__the_same_for_the_same_seed() -> None:
    groups = [[0.1, 0.7, 0.3, 0.9], [0.2, 0.8, 0.5, 0.4]]
    assert bootstrap(groups, _mean, seed=3) == bootstrap(groups, _mean, seed=3)
    assert bootstrap(groups, _mean, seed=3) != bootstrap(groups, _mean, seed=4)


def test_bootstrap__nan_does_not_count() -> None:
    assert bootstrap([[1.0, math.nan]], _mean) == (1.0, 1.0)
    assert all(map(math.isnan, bootstrap([[math.nan]], _mean)))
