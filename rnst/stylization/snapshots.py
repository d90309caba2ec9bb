"""Intermediate pictures of a run: to disk, and to its tracker."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from rnst.errors import RnstError
from rnst.image.files import Picture, write_image
from rnst.image.metadata import read_settings
from rnst.results import SNAPSHOT, snapshots_of
from rnst.secondary import Secondary


def remove_snapshots(image: Path) -> None:
    """Remove the intermediate pictures of an earlier run, whose picture is about to be replaced."""
    for _, path in snapshots_of(image):
        with suppress(OSError):
            if _is_ours(path):
                path.unlink()


class Snapshots(Callback):
    """Every `every` steps, write the picture and pass it to the tracker.

    A picture that cannot be written, or whose name a file of the user has, costs a warning.

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
        self._writing = Secondary(f"an intermediate picture of {stem}", "the run goes on without it")

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Write a picture every `every` steps."""
        step = pl_module.first_step + trainer.global_step
        if self._every and step % self._every == 0 and trainer.is_global_zero:
            picture = pl_module() if self._finish is None else self._finish(pl_module())
            with self._writing:
                self._write(picture, self._folder / f"{self._stem}_{step:05d}.png", step)
            if self._show is not None:
                self._show(picture, step - 1)

    def _write(self, picture: Tensor, path: Path, step: int) -> None:
        if path.is_file() and not _is_ours(path):
            raise OSError(f"{path} exists and was not written by rnst")
        write_image(picture, path, {SNAPSHOT: step}, like=self._like)


def _is_ours(path: Path) -> bool:
    try:
        return SNAPSHOT in read_settings(path)
    except RnstError:
        return False
