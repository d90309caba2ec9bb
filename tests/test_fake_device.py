"""Whole runs on a device that refuses to be mixed with the CPU, in a process of their own.

PyTorch registers a backend once and for the whole process: tests that run beside one would see it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

_RUNS = Path(__file__).with_name("fake_device_runs.py")


@pytest.mark.parametrize("tier", ["not slow", pytest.param("slow", marks=pytest.mark.slow)])
def test_no_tensor_of_the_cpu_is_mixed_in(tier: str) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", f"({tier}) and not gpu", str(_RUNS)]
    done = subprocess.run([sys.executable, "-m", "pytest", *options], capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
