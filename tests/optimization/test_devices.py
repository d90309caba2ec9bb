import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor

from rnst.optimization import ranks
from rnst.optimization.devices import SharedPicture, spread_whole_pictures
from rnst.optimization.process_group import TIMEOUT, DeviceLostError

_REPOSITORY = Path(__file__).parents[2]
_SECONDS = 300  # two processes import torch on a busy machine


def _results(*arguments: str) -> tuple[list[list[str]], str]:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(_REPOSITORY / "tests" / "shared_picture.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "PYTHONPATH": str(_REPOSITORY)},
    )
    return [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("result")], done.stdout


@pytest.mark.slow
def test_two_processes_make_what_one_does_and_agree_bit_for_bit() -> None:
    (alone,), _ = _results("1")
    (first, second), _ = _results("2")
    assert first == second
    assert float(first[1]) == pytest.approx(float(alone[1]), rel=1e-3)


@pytest.mark.slow
def test_a_process_that_dies_ends_the_run_with_a_clear_error_and_a_picture() -> None:
    (result,), output = _results("2", "1")
    assert "another device of this run was lost" in output
    assert int(result[0]) > 1


@pytest.mark.parametrize(
    ("pictures", "devices", "fits", "spread"),
    [(1, 2, True, False), (2, 2, True, True), (9, 2, True, True), (9, 2, False, False)],
)
def test_spread_whole_pictures(pictures: int, devices: int, *, fits: bool, spread: bool) -> None:
    assert spread_whole_pictures(pictures, devices, fits_one_device=fits) == spread


@pytest.mark.parametrize("name", ["barrier", "broadcast", "reduce"])
def test_a_connection_that_breaks_in_a_collective_of_lightning__is_a_lost_device(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process may be killed after all have met: the picture is kept only where that is known to be a lost device."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Connection reset by peer")

    monkeypatch.setattr(DDPStrategy, name, broken)
    with pytest.raises(DeviceLostError, match="reset by peer"):
        getattr(SharedPicture(), name)(torch.zeros(1))


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/two_processes.py measured; it imports torch once for all of it."""
    program = str(_REPOSITORY / "tests" / "two_processes.py")
    command = ["timeout", "-s", "USR1", "-k", "5", "570"]  # what hangs prints where, then it is killed
    command += [sys.executable, program, str(tmp_path_factory.mktemp("together"))]
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    assert done.returncode == 0, done.stderr[-6000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_budgets_that_differ__one_plan_in_which_each_pixel_has_one_owner(together: dict[str, Any]) -> None:
    plans = together["large_plans"]
    assert (plans["nobody"], plans["both"]) == (0, 0)
    assert plans["tiles"][0] == plans["tiles"][1]
    assert plans["history"][0] == plans["history"][1]


@pytest.mark.slow
def test_budgets_that_differ__the_gradient_is_that_of_one_process(together: dict[str, Any]) -> None:
    found = together["gradients"]
    assert found["one_plan"]
    assert found["tiles"] > 2, "the image is cut because of the budgets"
    assert found["relative_error"] < 1e-10
    assert found["loss_error"] < 1e-10


@pytest.mark.slow
def test_other_plans__end_both_processes_with_an_error(together: dict[str, Any]) -> None:
    reports = together["other_plans"]
    assert len(reports) == 2
    for report in reports:
        assert report.startswith("OtherPlanError: the processes of this run cut the image differently")


@pytest.mark.slow
def test_killed_process__the_state_is_there_and_resume_ends_bit_equal(together: dict[str, Any]) -> None:
    assert len(together["killed"]) == 5
    for run in together["killed"]:
        assert "another device of this run was lost" in run["message"]
        assert "--resume continues from killed" in run["message"]
        assert run["state"] != [0, 0]
        assert run["noticed_s"] < 30
        assert run["equal"], run


@pytest.mark.slow
def test_slow_disk__is_not_taken_for_a_lost_process(together: dict[str, Any]) -> None:
    """The state takes 20 s to write, while collectives fail after 6 s."""
    found = together["slow_disk"]
    assert found["seconds"] > 20
    assert found["equal"]


def test_timeouts__none_above_a_minute() -> None:
    assert SharedPicture()._timeout == TIMEOUT <= timedelta(seconds=60)


def test_sum_with_hash__finds_any_rank_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum over ranks is simulated by adding what the others would have sent."""
    others: list[int] = []

    def summed(message: Tensor) -> Tensor:
        numbers = torch.tensor(others, dtype=torch.float64)
        message[:2] += torch.stack([numbers.sum(), numbers.square().sum()])
        return message

    monkeypatch.setattr(ranks, "sum_over_ranks", summed)
    monkeypatch.setattr(ranks, "world_size", lambda: 1 + len(others))
    mine = ranks.plan_hash(("a grid", 3), 10)
    assert mine != ranks.plan_hash(("a grid", 3), 9)
    tensors = [torch.ones(2, 2, dtype=torch.float64), torch.tensor(3.0, dtype=torch.float64)]
    for others[:] in ([], [mine], [mine] * 7):
        sums = ranks.sum_with_hash(tensors, mine)
        assert [total.shape for total in sums] == [(2, 2), ()]
    for others[:] in ([mine + 1], [mine + 1, mine - 1], [mine, mine, 0], [mine] * 6 + [mine ^ 1]):
        with pytest.raises(ranks.OtherPlanError):
            ranks.sum_with_hash(tensors, mine)
