"""What the attack does to photos, as sheets: to disk, and to whatever tracks the training."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from rnst.image.files import read_image
from rnst.reporting.plots import picture_table
from rnst.training.attack_sample import AttackSample

_MAGNIFIED = 10.0


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
