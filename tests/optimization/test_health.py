import math

import pytest

from rnst.optimization.health import EXPLODED, PATIENCE, Trouble, Watch


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_no_number(loss: float) -> None:
    watch = Watch()
    assert watch.observe(1.0) is None
    assert watch.observe(loss) is Trouble.NOT_FINITE


def test_explosion() -> None:
    watch = Watch()
    assert watch.observe(2.0) is None
    assert watch.observe(2.0 * EXPLODED) is None
    assert watch.observe(2.1 * EXPLODED) is Trouble.EXPLODED


@pytest.mark.parametrize("factor", [1.0, 1.2, 1.0 - 1e-9])
def test_stall(factor: float) -> None:
    watch, loss = Watch(), 5.0
    watch.observe(loss)
    found = [watch.observe(loss := loss * factor) for _ in range(PATIENCE)]
    assert found == [None] * (PATIENCE - 1) + [Trouble.STALLED]


def test_slow_progress_is_no_stall() -> None:
    watch = Watch()
    assert all(watch.observe(0.9999**step) is None for step in range(100))


def test_without_a_line_search__climbing_is_no_stall_but_rest_is() -> None:
    watch = Watch(descends=False)
    assert all(watch.observe(1.0 + step) is None for step in range(100))
    assert [watch.observe(50.0) for _ in range(PATIENCE + 1)] == [None] * PATIENCE + [Trouble.STALLED]


def test_begin_anew() -> None:
    watch = Watch()
    watch.observe(1.0)
    watch.begin_anew()
    assert watch.observe(10.0 * EXPLODED) is None


def test_losses_below_zero__progress_is_progress_and_nothing_explodes() -> None:
    watch = Watch(descends=False)
    assert all(watch.observe(loss) is None for loss in (3.0, -1.0, -50.0, -2.0, 40.0, -50.1))
    watch = Watch()
    assert all(watch.observe(-(1.001**step)) is None for step in range(100))
