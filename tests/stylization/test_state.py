import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rnst.stylization import state as resume
from rnst.stylization.state import State, StateKeeper


def _written(
    monkeypatch: pytest.MonkeyPatch, seconds: float, *, steps: int = 40, stop_at: int | None = None, before: int = 0
) -> list[int]:
    """Steps whose state is written, where a step takes a second, writing takes `seconds`, and 5 is asked for."""
    clock, written = [0.0], list[int]()

    def write(state: State, _path: Path) -> None:
        written.append(state.step)
        clock[0] += seconds

    monkeypatch.setattr(resume, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(State, "write", write)
    keeper = StateKeeper(Path("unused"), 5, {})
    best = SimpleNamespace(first_losses={"total": 1.0})
    task: Any = SimpleNamespace(schedule=SimpleNamespace(done=0), best=best, run_state=dict, first_step=before)
    for step in range(1, steps + 1):
        clock[0] += 1.0
        keeper.stopped_by = signal.SIGINT if step == stop_at else None
        trainer: Any = SimpleNamespace(global_step=step)
        keeper.on_train_batch_end(trainer, task)
    return written


@pytest.mark.parametrize(("seconds", "steps"), [(0.01, [5, 10, 15, 20, 25, 30, 35, 40]), (0.12, [5, 20, 35]), (1, [5])])
def test_states_take_a_hundredth_of_the_time(seconds: float, steps: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    assert _written(monkeypatch, seconds) == steps


def test_steps_count_over_all_scales(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scale of four steps after one of four: the fifth step of all is the first of this one."""
    assert _written(monkeypatch, 0.01, steps=4, before=4) == [1]


def test_when_stopped__always(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        _written(monkeypatch, 1.0, stop_at=7)


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_another_process__writes_nothing_and_leaves_stopping_to_the_first(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    assert _written(monkeypatch, 0.01, stop_at=7) == []


def test_state__tensors_that_share_memory_and_views_come_back(tmp_path: Path) -> None:
    whole = torch.rand(4, 4)
    content = {"a": whole, "b": whole, "crop": whole[1:3, 1:3], "list": [whole.T, 3, None, {7: "text"}], "best": {}}
    State(1, 2, content, {"size": 64}, {"total": 0.1}, 2.5).write(tmp_path / "state")
    state = State.read(tmp_path / "state")
    assert (state.scale, state.step, state.settings) == (1, 2, {"size": 64})
    assert (state.first_losses, state.seconds) == ({"total": 0.1}, 2.5)
    found = state.content
    assert all(torch.equal(found[name], content[name]) for name in ("a", "b", "crop"))  # type: ignore[arg-type]
    assert torch.equal(found["list"][0], whole.T)
    assert found["list"][1:] == [3, None, {7: "text"}]


def test_seconds__add_up_over_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(resume, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    first = StateKeeper(Path("unused"), 5, {})
    clock[0] += 3.0
    assert first.seconds == 3.0
    second = StateKeeper(Path("unused"), 5, {}, State(0, 1, {}, {}, {}, first.seconds))
    clock[0] += 4.0
    assert second.seconds == 7.0
