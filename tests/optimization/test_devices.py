import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnst.optimization.devices import spread_whole_pictures

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
