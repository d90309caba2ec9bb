"""A training that a signal stops keeps its state first."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from rnst.secondary import Secondary
from rnst.signals import Stopped, raise_stopped
from rnst.training.run_state import is_between_steps


class StopAfterStep(Callback):
    """After the step at work, writes a checkpoint and stops, if a signal asked for it.

    Use `receive` as the handler of the signals. While no step is made, as before the first one, a signal stops at once;
    so does the second signal.

    Args:
        path: the checkpoint to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._steps = False  # whether steps are being made
        self._number: int | None = None
        self._handler: Any = None  # of SIGTERM
        self._common = 0.0  # batches that every device has in the evaluation at work
        self._writing = Secondary("the checkpoint of the stopped training", "", (RuntimeError,))

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Note a signal.

        Raises:
            Stopped: there is no step whose end could be waited for, or the signal is the second one.
        """
        if not self._steps or self._number is not None:
            raise_stopped(number, frame)
        self._number = number

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:  # noqa: ARG002 - a hook
        """Note the handler of SIGTERM before Lightning puts its own around it."""
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - a hook
        """Restore the handler of SIGTERM.

        That of Lightning waits for the other devices inside of the handler, while they may be in any other operation.
        """
        if callable(self._handler) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._handler)

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:  # noqa: ARG002 - a hook
        """From now on there is something to keep."""
        self._steps = True

    def on_train_batch_end(self, trainer: pl.Trainer, *rest: Any) -> None:
        """Stop between two steps; behind the last one of an epoch its evaluation or its end comes first."""
        if is_between_steps(trainer, rest[-1]):
            self._stop(trainer)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - a hook
        """Count the batches that every device has: shares of an evaluation may differ by one photo, thus by one batch.

        Devices agree by a collective operation. Behind a batch that only some have, the others would be missing.
        """
        own = torch.tensor(float(sum(trainer.num_val_batches)), device=trainer.strategy.root_device)
        self._common = trainer.strategy.reduce(own, reduce_op="min").item()

    def on_validation_batch_end(self, trainer: pl.Trainer, *rest: Any) -> None:
        """Stop between two batches of an evaluation; a resumed training goes on without the rest of it."""
        batch_idx = rest[3]
        if not trainer.sanity_checking and batch_idx < self._common:
            self._stop(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - a hook
        """Stop between two epochs: the checkpoint of the last one is there."""
        self._stop(trainer, keep=False)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - a hook
        """Stop behind the last epoch: the weights are not measured, and --resume does that."""
        self._stop(trainer, keep=False)
        self._steps = False

    def _stop(self, trainer: pl.Trainer, *, keep: bool = True) -> None:
        asked = trainer.strategy.reduce_boolean_decision(self._number is not None, all=False)
        if not asked:
            return
        self._steps = False
        if keep:
            with self._writing:
                trainer.save_checkpoint(self._path)
        raise Stopped(number=self._number)
