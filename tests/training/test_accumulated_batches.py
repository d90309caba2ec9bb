"""A step of several batches is kept as a whole."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.demos.boring_classes import BoringModel

from rnst.training.run_state import checkpoint_callbacks
from rnst.training.stopping import StopAfterStep

_BATCHES, _OF_A_STEP = 8, 2
_SECONDS = 0.02  # of a batch


class _Seen(Callback):
    """After how many batches a checkpoint was written; and a signal amid the third step."""

    def __init__(self, stopping: StopAfterStep | None = None) -> None:
        self.batches, self.saved, self._stopping = 0, list[int](), stopping

    def on_train_batch_start(self, trainer: pl.Trainer, module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        self.batches = batch_idx + 1
        time.sleep(_SECONDS)
        if self._stopping is not None and batch_idx == 2 * _OF_A_STEP:
            self._stopping.receive(signal.SIGTERM, None)

    def on_save_checkpoint(self, *_: Any) -> None:
        self.saved.append(self.batches)


def _fit(*callbacks: Callback) -> None:
    pl.Trainer(
        accelerator="cpu",
        max_epochs=1,
        limit_train_batches=_BATCHES,
        limit_val_batches=0,
        accumulate_grad_batches=_OF_A_STEP,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(BoringModel())


def test_checkpoints_by_time__never_amid_a_step(tmp_path: Path) -> None:
    seen = _Seen()
    _fit(seen, *checkpoint_callbacks(tmp_path, minutes=2.5 * _SECONDS / 60, steps=0))  # due amid the second step
    assert len(seen.saved) > 1
    assert not any(batches % _OF_A_STEP for batches in seen.saved)


def test_a_stop__waits_for_the_whole_step(tmp_path: Path) -> None:
    stopping = StopAfterStep(tmp_path / "stopped.ckpt")
    seen = _Seen(stopping)
    with pytest.raises(SystemExit):  # what Lightning makes of `Stopped`
        _fit(seen, stopping)
    assert seen.saved[-1] == 3 * _OF_A_STEP
