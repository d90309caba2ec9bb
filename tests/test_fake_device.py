"""Whole runs on a device that refuses to be mixed with the CPU, in a process of their own.

PyTorch registers a backend once and for the whole process: tests that run beside one would see it. The process is
forked, because an import of torch, and of all that the runs need, takes seconds.
"""

import contextlib
import io

import pytest
import torch

from tests import fake_device_runs
from tests.forked_ranks import apart


def _run(tier: str) -> tuple[int, str]:
    """Exit status of pytest, and what it printed."""
    torch.set_num_threads(1)  # a fork has none of the threads of its parent
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", f"({tier}) and not gpu"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = pytest.main([*options, fake_device_runs.__file__])
    return int(status), printed.getvalue()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # threads of pytest-xdist
@pytest.mark.parametrize("tier", ["not slow", pytest.param("slow", marks=pytest.mark.slow)])
def test_no_tensor_of_the_cpu_is_mixed_in(tier: str) -> None:
    status, printed = apart(lambda: _run(tier))
    assert status == 0, printed[-6000:]
    assert " passed" in printed
