"""Pictures of a run that goes on: to disk, and to whatever tracks it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from rnst.callbacks.plots import picture_table
from rnst.image.io import Picture, read_image, write_image
from rnst.tasks.attack_sample import AttackSample

_MAGNIFIED = 10.0


class Snapshots(Callback):
    """Every `every` steps, write the picture and hand it on.

    Args:
        folder: where PICTURE_00050.png and its kin go.
        stem: how their names begin.
        every: steps between two pictures; 0 takes none.
        finish: makes of the picture that is optimized the one that the user will get.
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
        """Take a picture when its time has come."""
        step = pl_module.first_step + trainer.global_step
        if self._every and step % self._every == 0 and trainer.is_global_zero:
            picture = pl_module() if self._finish is None else self._finish(pl_module())
            write_image(picture, self._folder / f"{self._stem}_{step:05d}.png", like=self._like)
            if self._show is not None:
                self._show(picture, step - 1)


class AttackSheets(Callback):
    """After each evaluation, write what the attack does: photos, adversarial photos, the difference, and the answers.

    Args:
        folder: where attack_epoch_003.png and its kin go.
        show: called with the sheet (1, 3, H, W) and the number of the step, for a tracker.
    """

    def __init__(self, folder: Path, show: Callable[[Tensor, int], None] | None = None) -> None:
        self._folder = folder
        self._show = show

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write the sheet of this epoch."""
        if not trainer.sanity_checking and trainer.is_global_zero and pl_module.samples:
            path = self._folder / f"attack_epoch_{trainer.current_epoch:03d}.png"
            attack_sheet(path, pl_module.samples)
            if self._show is not None:
                self._show(read_image(path), trainer.global_step)


def attack_sheet(path: Path, samples: Sequence[AttackSample]) -> None:
    """Write three rows: photos, adversarial photos, the difference magnified around gray; and what was seen in them."""
    rows = {
        "photo": [sample.photo for sample in samples],
        "attacked": [sample.adversarial for sample in samples],
        f"difference x {_MAGNIFIED:g}": [0.5 + _MAGNIFIED * (sample.adversarial - sample.photo) for sample in samples],
    }
    captions = {
        "photo": [(f"seen: {sample.seen}", sample.seen == sample.name) for sample in samples],
        "attacked": [(f"seen: {sample.seen_attacked}", sample.seen_attacked == sample.name) for sample in samples],
    }
    picture_table(path, rows, captions, [sample.name for sample in samples])
