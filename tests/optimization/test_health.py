import json
import math

import pytest

from rnst.optimization.health import (
    EXPLODED,
    MOST_RESTARTS,
    PATIENCE,
    DivergenceMonitor,
    Failure,
    Remedy,
    RestartPolicy,
)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_no_number(loss: float) -> None:
    watch = DivergenceMonitor()
    assert watch.observe(1.0) is None
    assert watch.observe(loss) is Failure.NOT_FINITE


def test_explosion() -> None:
    watch = DivergenceMonitor()
    assert watch.observe(2.0) is None
    assert watch.observe(2.0 * EXPLODED) is None
    assert watch.observe(2.1 * EXPLODED) is Failure.EXPLODED


@pytest.mark.parametrize("factor", [1.0, 1.2, 1.0 - 1e-9])
def test_stall(factor: float) -> None:
    watch, loss = DivergenceMonitor(), 5.0
    watch.observe(loss)
    found = [watch.observe(loss := loss * factor) for _ in range(PATIENCE)]
    assert found == [None] * (PATIENCE - 1) + [Failure.STALLED]


def test_slow_progress_is_no_stall() -> None:
    watch = DivergenceMonitor()
    assert all(watch.observe(0.9999**step) is None for step in range(100))


def test_without_a_line_search__climbing_is_no_stall_but_rest_is() -> None:
    watch = DivergenceMonitor(descends=False)
    assert all(watch.observe(1.0 + step) is None for step in range(100))
    assert [watch.observe(50.0) for _ in range(PATIENCE + 1)] == [None] * PATIENCE + [Failure.STALLED]


def test_begin_anew() -> None:
    watch = DivergenceMonitor()
    watch.observe(1.0)
    watch.begin_anew()
    assert watch.observe(10.0 * EXPLODED) is None


def test_losses_below_zero__progress_is_progress_and_nothing_explodes() -> None:
    watch = DivergenceMonitor(descends=False)
    assert all(watch.observe(loss) is None for loss in (3.0, -1.0, -50.0, -2.0, 40.0, -50.1))
    watch = DivergenceMonitor()
    assert all(watch.observe(-(1.001**step)) is None for step in range(100))


def _stall(policy: RestartPolicy) -> list[Remedy]:
    return [policy.observe(1.0)[0] for _ in range(PATIENCE + 1)]


def test_policy__stalls_do_not_use_up_the_restarts_for_explosions() -> None:
    policy = RestartPolicy(descends=True)
    assert _stall(policy)[-1] is Remedy.RESTART
    assert policy.in_fp32
    for _ in range(5):
        assert set(_stall(policy)) == {Remedy.GO_ON}, "in float32 nothing more can be done"
    found = [policy.observe(math.nan) for _ in range(MOST_RESTARTS + 1)]
    assert found == [*[(Remedy.RESTART, Failure.NOT_FINITE)] * MOST_RESTARTS, (Remedy.END, Failure.NOT_FINITE)]
    assert policy.over


def test_policy__its_state_is_all_that_it_knows() -> None:
    """From any moment on, a policy that was restored decides as the one that it was saved from."""
    losses = [*[1.0] * (PATIENCE - 3), 1e6, 1.0, *[0.5] * (2 * PATIENCE), math.inf, 1.0, math.nan, 2e9, 1.0, math.nan]
    policy, decided, states = RestartPolicy(descends=True), [], []
    for loss in losses:
        states.append(json.loads(json.dumps(policy.state_dict())))
        decided.append(policy.observe(loss))
    for step, state in enumerate(states):
        restored = RestartPolicy(descends=True)
        restored.load_state_dict(state)
        assert [restored.observe(loss) for loss in losses[step:]] == decided[step:]
    assert {remedy for remedy, _ in decided} == set(Remedy)
