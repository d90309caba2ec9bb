"""Intermediate pictures of a run: to disk, and to its tracker."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from rnst.image.files import Picture, write_image


class Snapshots(Callback):
    """Every `every` steps, write the picture and pass it to the tracker.

    Args:
        folder: of the files PICTURE_00050.png, PICTURE_00100.png, ...
        stem: beginning of their names.
        every: steps between two pictures; 0 takes none.
        finish: turns the optimized image into the delivered one.
        like: see `write_image`.
        show: called with that picture and the number of the step, for a tracker.
    """

    def __init__(
        self,
        folder: Path,
        stem: str,
        every: int,
        *,
        finish: Callable[[Tensor], Tensor] | None = None,
        like: Picture | None = None,
        show: Callable[[Tensor, int], None] | None = None,
    ) -> None:
        self._folder = folder
        self._stem = stem
        self._every = every
        self._finish = finish
        self._like = like
        self._show = show

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Write a picture every `every` steps."""
        step = pl_module.first_step + trainer.global_step
        if self._every and step % self._every == 0 and trainer.is_global_zero:
            picture = pl_module() if self._finish is None else self._finish(pl_module())
            write_image(picture, self._folder / f"{self._stem}_{step:05d}.png", like=self._like)
            if self._show is not None:
                self._show(picture, step - 1)
