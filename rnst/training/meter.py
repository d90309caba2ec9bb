"""Learning rate and images per second of a training, logged from the first step on."""

import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from rnst.machine import trim_heap

_FIRST_STEPS = 10


class TrainingMeter(Callback):
    """Log "train/learning_rate" and "perf/images_per_second" beside the loss.

    Each of the first ten steps is logged, so that a short training has curves; then the trainer's `log_every_n_steps`
    holds again.
    """

    def __init__(self) -> None:
        self._every = 1
        self._rate = 0.0
        self._ended = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Keep the trainer's interval."""
        self._every = trainer.log_every_n_steps  # type: ignore[attr-defined] # Lightning sets it

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Begin to measure, in freed memory: the time of a validation does not count."""
        trim_heap()
        self._ended = time.perf_counter()

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Note the learning rate before the schedule advances."""
        is_early = trainer.global_step < _FIRST_STEPS
        trainer.log_every_n_steps = 1 if is_early else self._every  # type: ignore[attr-defined]
        self._rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, _: Any, batch: Any, *__: object) -> None:
        """Log both in the row of the step's loss."""
        now = time.perf_counter()
        images = len(batch[0]) * trainer.world_size
        pl_module.log("train/learning_rate", self._rate)
        pl_module.log("perf/images_per_second", images / max(now - self._ended, 1e-9))
        self._ended = now

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Restore the trainer's interval."""
        trainer.log_every_n_steps = self._every  # type: ignore[attr-defined]
