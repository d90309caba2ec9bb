import random

import pytest

from rnst.metrics.pareto import hypervolume, pareto_front


def test_front__is_what_nothing_dominates() -> None:
    generator = random.Random(0)  # noqa: S311 - no secret
    points = [(generator.randrange(8) / 8, generator.randrange(8) / 8) for _ in range(60)]
    front = pareto_front(points)
    for index, (x, y) in enumerate(points):
        dominated = any(a <= x and b <= y and (a, b) != (x, y) for a, b in points)
        assert (points[index] in [points[chosen] for chosen in front]) is not dominated
    assert [points[index] for index in front] == sorted({points[index] for index in front})


def test_hypervolume__of_one_point_is_its_rectangle() -> None:
    assert hypervolume([(0.25, 0.5)], (1.0, 1.0)) == pytest.approx(0.75 * 0.5)


def test_hypervolume__counts_overlaps_once_and_dominated_points_not_at_all() -> None:
    front = [(0.2, 0.6), (0.6, 0.2)]
    union = 0.8 * 0.4 + 0.4 * 0.8 - 0.4 * 0.4
    assert hypervolume(front, (1.0, 1.0)) == pytest.approx(union)
    assert hypervolume([*front, (0.7, 0.7), (0.2, 0.6), (2.0, 0.0)], (1.0, 1.0)) == pytest.approx(union)


def test_hypervolume__agrees_with_counting() -> None:
    generator = random.Random(1)  # noqa: S311 - no secret
    points = [(generator.random(), generator.random()) for _ in range(10)]
    cells = [((i + 0.5) / 200, (j + 0.5) / 200) for i in range(200) for j in range(200)]
    counted = sum(any(a <= x and b <= y for a, b in points) for x, y in cells) / len(cells)
    assert hypervolume(points, (1.0, 1.0)) == pytest.approx(counted, abs=0.01)


def test_nothing() -> None:
    assert pareto_front([]) == []
    assert hypervolume([], (1.0, 1.0)) == 0.0
