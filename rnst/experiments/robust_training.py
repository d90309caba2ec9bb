"""Make robust weights: train, measure clean and under attack, export one file with all its facts."""

import platform
import shlex
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torchvision
from pytorch_lightning.callbacks import ModelCheckpoint

from rnst.encoders.weights import write_weights
from rnst.errors import MissingPathError
from rnst.tasks.robust_classifier import RobustClassifier

_CHECKPOINTS = "checkpoints"


def checkpoint_callback(run_folder: Path) -> ModelCheckpoint:
    """Keep the newest epoch's complete state in `run_folder`; an older one goes only when a newer one is complete."""
    return ModelCheckpoint(
        dirpath=run_folder / _CHECKPOINTS,
        filename="{epoch:03d}",
        save_top_k=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )


def newest_checkpoint(run_folder: Path) -> Path:
    """The state that `--resume` goes on from.

    Raises:
        MissingPathError: the run has left none.
    """
    found = sorted((run_folder / _CHECKPOINTS).glob("*.ckpt"), key=lambda path: path.stat().st_mtime)
    if not found:
        advice = "Start without --resume; a run keeps its state once its first epoch is over."
        raise MissingPathError(run_folder / _CHECKPOINTS, "a checkpoint to resume from", advice)
    return found[-1]


def train(
    trainer: pl.Trainer,
    model: RobustClassifier,
    data: pl.LightningDataModule,
    output: Path,
    *,
    resume: Path | None = None,
    half: bool = False,
) -> dict[str, Any]:
    """Train, test, export.

    Args:
        trainer: its checkpoint callback keeps the state to resume from.
        model: the classifier with its attack.
        data: photos.
        output: safetensors file to write.
        resume: Lightning checkpoint to go on from.
        half: export kernels as float16.

    Returns:
        The facts in the exported file.
    """
    began = time.perf_counter()
    try:
        trainer.fit(model, datamodule=data, ckpt_path=resume, weights_only=True)
    except SystemExit as stop:  # what Lightning makes of Ctrl-C
        raise KeyboardInterrupt("stopped; --resume goes on from the last complete epoch") from stop
    seconds = time.perf_counter() - began
    accuracies = trainer.test(model, datamodule=data, verbose=False)[0]
    facts = {
        **model.facts(),
        "accuracy_clean": round(accuracies["test/accuracy_clean"], 4),
        "accuracy_attacked": round(accuracies["test/accuracy_attacked"], 4),
        "evaluation": str(model.evaluation),
        "epochs": trainer.current_epoch,
        "seconds_of_this_session": round(seconds),
        "command": shlex.join(["python", Path(sys.argv[0]).name, *sys.argv[1:]]),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "pytorch_lightning": version("pytorch_lightning"),
        },
    }
    if trainer.is_global_zero:
        write_weights(output, model.network.state_dict(), facts, half=half)
    return facts
