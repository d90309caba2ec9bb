import math

import pytest
import torch

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


@pytest.mark.parametrize("points", [4, 5, 8, 12])
def test_the_interval_of_independent_points_contains_0_in_95_of_100(points: int) -> None:
    draw, missed, runs = torch.Generator().manual_seed(0), 0, 1000
    for _ in range(runs):
        first, second = torch.randn(2, points, generator=draw, dtype=torch.float64).tolist()
        found = correlation(first, second)
        missed += not found.low <= 0.0 <= found.high
    assert missed / runs == pytest.approx(0.05, abs=0.02)


def test_the_interval_is_fishers() -> None:
    # r = 0.8 of 28 points: artanh r = 1.0986, and 1.96 / 5 = 0.392.
    line = torch.linspace(-1.0, 1.0, 28, dtype=torch.float64)
    noise = torch.cos(torch.arange(28.0, dtype=torch.float64) * 2.5)
    noise -= noise.mean() + line * (noise @ line) / (line @ line)
    mixed = 0.8 * line / line.norm() + 0.6 * noise / noise.norm()
    found = correlation(line.tolist(), mixed.tolist())
    assert (found.coefficient, found.low, found.high) == pytest.approx((0.8, 0.6086, 0.9033), abs=1e-3)


def test_undefined() -> None:
    assert math.isnan(correlation([1.0, 2.0], [1.0, 2.0]).coefficient)
    assert math.isnan(correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).coefficient)
    three = correlation([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    assert three.coefficient > 0.9
    assert math.isnan(three.low)
    assert math.isnan(three.high)
