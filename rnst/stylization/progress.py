"""Progress of a stylization: one bar over all scales, or a function of the caller."""

from collections.abc import Callable, Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor

OnStep = Callable[[int, Tensor, Mapping[str, float]], None]

_SHOWN = ("style", "content")


class StylizationProgress(Callback):
    """Steps, time and losses of a picture.

    It outlives a single fit: a picture that is optimized coarse to fine has one bar. Use it as a context manager.

    Args:
        steps: of the whole picture.
        console: where the bar is drawn.
        done: steps that were done before.
    """

    def __init__(self, steps: int, console: Console, done: int = 0) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("stylizing", total=steps, completed=done, losses="")

    def __enter__(self) -> "StylizationProgress":
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop updating the bar; it stays visible."""
        self._progress.stop()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - a hook
        """Show the size of the picture."""
        height, width = pl_module().shape[-2:]
        self._progress.update(self._bar, description=f"stylizing {width}x{height}")

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:  # noqa: ARG002 - a hook
        """Advance by one step."""
        losses = "  ".join(f"{name} {pl_module.losses[name]:.4f}" for name in _SHOWN if name in pl_module.losses)
        self._progress.update(self._bar, advance=1, losses=losses)


class StepReports(Callback):
    """Calls a function after each step, for instance to show the picture in a notebook.

    Args:
        report: takes the number of the step, counted over all scales from 1, the picture (1, 3, H, W) in [0, 1], and
            the losses by name.
        finish: turns the optimized image into the delivered one.
        stop: called where `report` raises KeyboardInterrupt; None ends the run immediately.
    """

    def __init__(
        self,
        report: OnStep,
        finish: Callable[[Tensor], Tensor] | None = None,
        stop: Callable[[], None] | None = None,
    ) -> None:
        self._report = report
        self._finish = finish
        self._stop = stop

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Report one step."""
        picture = pl_module() if self._finish is None else self._finish(pl_module())
        try:
            self._report(pl_module.first_step + trainer.global_step, picture, dict(pl_module.losses))
        except KeyboardInterrupt:
            if self._stop is None:
                raise
            self._stop()
