import os

import pytest
import torch

from rnst.machine import processors
from rnst.optimization.workers import in_processes


def _describe(job: int) -> tuple[int, int, int]:
    if job < 0:
        raise ValueError(f"{job} is negative")
    return job**2, os.getpid(), torch.get_num_threads()


def test_one_worker_is_this_process() -> None:
    assert list(in_processes(_describe, [3, 4], 1)) == [
        (0, (9, os.getpid(), torch.get_num_threads())),
        (1, (16, os.getpid(), torch.get_num_threads())),
    ]


@pytest.mark.slow
def test_several_workers() -> None:
    outcomes = dict(in_processes(_describe, range(8), 2))
    assert [outcomes[index][0] for index in range(8)] == [index**2 for index in range(8)]
    assert os.getpid() not in {process for _, process, _ in outcomes.values()}
    assert {threads for *_, threads in outcomes.values()} == {max(1, processors() // 2)}
    with pytest.raises(ValueError, match="-1 is negative"):
        list(in_processes(_describe, [1, -1], 2))
