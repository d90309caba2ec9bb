"""Two processes equal one on the same global batch, through the real Trainer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.data.order import ShardSampler

pytestmark = pytest.mark.slow

_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs(make_photos_once: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/two_trainings.py reports."""
    return _reported(make_photos_once(train=5, val=3), tmp_path_factory.mktemp("trainings"), 580)


def _reported(root: Path, folder: Path, seconds: int, *words: str) -> dict[str, Any]:
    program = str(_REPOSITORY / "tests" / "two_trainings.py")
    # SIGTERM does not end a pair that waits for each other; SIGKILL does.
    command = ["timeout", "-s", "KILL", str(seconds), sys.executable, program, str(root), str(folder), *words]
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)  # noqa: S603
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _mean_losses(ranks: list[dict[str, Any]], together: int = 1) -> torch.Tensor:
    """Loss of each step, over ranks and accumulated batches."""
    losses = torch.tensor([rank["losses"] for rank in ranks], dtype=torch.float64)
    return losses.mean(0).view(-1, together).mean(1)


@pytest.mark.parametrize(("other", "together"), [("two", 1), ("accumulated", 2)])
def test_losses_and_weights_are_those_of_one_process_with_the_whole_batch(
    runs: dict[str, Any], other: str, together: int
) -> None:
    one, found = runs["one"], runs[other]
    assert one[0]["steps"] == found[0]["steps"] == 4
    torch.testing.assert_close(_mean_losses(found, together), _mean_losses(one), rtol=0.0, atol=1e-5)
    for rank in found:
        torch.testing.assert_close(torch.tensor(rank["weights"]), torch.tensor(one[0]["weights"]), rtol=1e-4, atol=1e-5)
    assert found[0]["accuracy"] == one[0]["accuracy"], "each photo of the validation was counted once"


def test_shards_are_equal_in_number(runs: dict[str, Any]) -> None:
    """15 photos, batches of 3: a rank with one more would wait for the other for ever."""
    assert [rank["batches"] for rank in runs["two"]] == [2, 2]
    for length in range(20, 30):
        shares = [ShardSampler(length, rank, 4, even=True) for rank in range(4)]
        assert {len(list(share)) for share in shares} == {length // 4}


def test_random_starts_differ_by_rank_and_are_exact_after_resume(runs: dict[str, Any]) -> None:
    whole, half, resumed = runs["random"], runs["random, first half"], runs["random, resumed"]
    assert whole[0]["losses"] != whole[1]["losses"]
    assert whole[0]["losses"] != runs["two"][0]["losses"]
    for rank in range(2):
        assert half[rank]["losses"] + resumed[rank]["losses"] == whole[rank]["losses"]
        assert resumed[rank]["weights"] == whole[rank]["weights"], "bit for bit"


def test_shares_of_an_evaluation_may_differ_by_a_batch(make_photos: Callable[..., Path], tmp_path: Path) -> None:
    """A device with one more batch does not wait for the other behind it, and both stop at the same one."""
    runs = _reported(make_photos(train=2, val=3), tmp_path, 580, "uneven")
    assert [rank["evaluated"] for rank in runs["whole"]] == [2, 1]
    assert runs["whole"][0]["accuracy"] == runs["whole"][1]["accuracy"]
    assert [rank["evaluated"] for rank in runs["stopped"]] == [1, 1], "both, behind the batch of the signal"
    assert (tmp_path / "stopped.ckpt").exists()
