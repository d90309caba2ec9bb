import math

import pytest

from rnst.metrics.correlation import correlation


def test_as_numpy_has_it_and_within_its_interval() -> None:
    first, second = [0.28, 0.39, 0.41, 0.42, 0.45], [0.66, 0.83, 0.92, 0.93, 1.0]
    found = correlation(first, second)
    assert found.coefficient == pytest.approx(0.978, abs=0.01), "the points of the published figure"
    assert found.low <= found.coefficient <= found.high <= 1.0
    assert found.points == 5
    assert correlation(first, second) == found


def test_a_line_is_certain_and_noise_is_not() -> None:
    line = correlation([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    assert (line.coefficient, line.low, line.high) == pytest.approx((1.0, 1.0, 1.0))
    noise = correlation([1.0, 2.0, 3.0, 4.0], [1.0, -1.0, -1.0, 1.0])
    assert noise.low < -0.5 < 0.5 < noise.high


def test_undefined() -> None:
    assert math.isnan(correlation([1.0, 2.0], [1.0, 2.0]).coefficient)
    assert math.isnan(correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).coefficient)
