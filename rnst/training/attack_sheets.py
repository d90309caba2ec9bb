"""Sheets of attacked photos, written to disk and to the experiment tracker."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from rnst.image.files import read_image
from rnst.reporting.plots import picture_table
from rnst.secondary import Secondary
from rnst.training.attack_sample import AttackSample

_MAGNIFIED = 10.0


class AttackSheets(Callback):
    """Write a sheet after each evaluation: photos, adversarial photos, their difference, and the predicted classes.

    Args:
        folder: receives attack_epoch_003.png and so on.
        show: called with the sheet (1, 3, H, W) and the global step, for an experiment tracker.
    """

    def __init__(self, folder: Path, show: Callable[[Tensor, int], None] | None = None) -> None:
        self._folder = folder
        self._show = show
        self._writing = Secondary("a sheet of attacked photos", "the training goes on without it")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write the sheet of this epoch."""
        if not trainer.sanity_checking and trainer.is_global_zero and pl_module.samples:
            path = self._folder / f"attack_epoch_{trainer.current_epoch:03d}.png"
            with self._writing:
                attack_sheet(path, pl_module.samples)
            if self._show is not None and not self._writing.failed:
                self._show(read_image(path), trainer.global_step)


def attack_sheet(path: Path, samples: Sequence[AttackSample]) -> None:
    """Write three rows: photos, adversarial photos, and the difference magnified around gray, with predictions."""
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
