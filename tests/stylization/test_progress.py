import io
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import Tensor

from rnst.stylization.progress import StylizationProgress

_NOBODY: Any = None


class _Task:
    def __init__(self, width: int, losses: dict[str, float]) -> None:
        self.width, self.losses = width, losses

    def __call__(self) -> Tensor:
        return torch.zeros(1, 3, 48, self.width)


def test_one_bar_over_all_scales() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=200)
    losses = {"total": 9.0, "style": 0.5, "content": 0.25}
    with StylizationProgress(6, console) as progress:
        for width in (64, 80):
            task: Any = _Task(width, losses)
            progress.on_train_start(_NOBODY, task)
            for _ in range(3):
                progress.on_train_batch_end(_NOBODY, task)
    last = [line for line in written.getvalue().splitlines() if "stylizing" in line][-1]
    assert "stylizing 80x48" in last
    assert "6/6" in last
    assert "style 0.5000  content 0.2500" in last


def test_only_losses_that_are_there() -> None:
    written = io.StringIO()
    with StylizationProgress(2, Console(file=written, width=200)) as progress:
        progress.on_train_batch_end(_NOBODY, SimpleNamespace(losses={"total": 1.0, "style": 0.125}))
    assert "style 0.1250" in written.getvalue()
    assert "content" not in written.getvalue()
    assert "1/2" in written.getvalue()


def test_the_bar_ends_when_the_painting_fails() -> None:
    console = Console(file=io.StringIO(), force_terminal=True)
    for _ in range(2):  # a live display that is left open would refuse the second one
        with pytest.raises(ZeroDivisionError), StylizationProgress(2, console):
            _ = 1 / 0
