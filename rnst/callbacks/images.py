"""Intermediate pictures: to disk, and to whatever tracks the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from rnst.image.io import write_image


class Snapshots(Callback):
    """Every `every` steps, write the picture and hand it on.

    Args:
        folder: where PICTURE_00050.png and its kin go.
        stem: how their names begin.
        every: steps between two pictures; 0 takes none.
        show: called with the picture and the number of the step, for a tracker.
    """

    def __init__(self, folder: Path, stem: str, every: int, show: Callable[[Tensor, int], None] | None = None) -> None:
        self._folder = folder
        self._stem = stem
        self._every = every
        self._show = show

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Take a picture when its time has come."""
        step = pl_module.first_step + trainer.global_step
        if self._every and step % self._every == 0 and trainer.is_global_zero:
            picture = pl_module()
            write_image(picture, self._folder / f"{self._stem}_{step:05d}.png")
            if self._show is not None:
                self._show(picture, step - 1)
