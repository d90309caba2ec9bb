"""Trainings on two processes and on one, as a program that prints JSON: `python tests/two_trainings.py PHOTOS FOLDER`.

With the word "uneven" behind, those in which one process has more batches to evaluate than the other.

The processes are forked from this one: an import of torch takes longer than these trainings.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from rnst.attacks.ball import L2Ball
from rnst.attacks.pgd import PGD
from rnst.data.datamodules import PhotoFolders
from rnst.signals import handled
from rnst.training.recipe import Recipe
from rnst.training.robust_classifier import RobustClassifier
from rnst.training.stopping import StopAfterStep
from tests.forked_ranks import on_ranks

_BATCH = 6  # photos of a step, on all processes together


class _Watched(RobustClassifier):
    """Keeps the losses of its steps; its normalization keeps its statistics, as it does under attack."""

    losses: list[float]
    stopped_on: int | None = None  # the process that receives a signal in its first evaluation

    def on_train_batch_start(self, *_: object) -> None:
        self.network.eval()

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:
        if self.stopped_on == self.global_rank and batch_idx == 0:
            signal.raise_signal(signal.SIGTERM)
        super().validation_step(batch, batch_idx)


def _train(root: Path, folder: Path, ranks: int, options: dict[str, Any]) -> dict[str, Any]:
    torch.manual_seed(0)
    pl.seed_everything(0)
    accumulated = options.get("accumulate_grad_batches", 1)
    photos: dict[str, Any] = {"classes": "folders", "name": "tiny", "image_size": 24, "crop": "shifted", "workers": 0}
    photos["validation_photos"] = options.pop("validation_photos", 0)
    data = PhotoFolders(root, batch_size=_BATCH // ranks // accumulated, **photos)
    random_start = options.pop("random_start")
    attack = PGD(L2Ball(1.0), steps=2, step_size=0.6, random_start=random_start)
    recipe = Recipe(learning_rate=0.02, schedule="constant")
    model = _Watched(data.facts, attack, architecture="tiny_vgg_bn", recipe=recipe)
    model.losses = []
    model.stopped_on = options.pop("stopped_on", None)
    resume = options.pop("resume", None)
    trainer = pl.Trainer(
        accelerator="cpu", devices=ranks, strategy="ddp" if ranks > 1 else "auto", logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1, default_root_dir=folder, **options,
    )  # fmt: skip
    stop = StopAfterStep(folder / "stopped.ckpt")
    trainer.callbacks.append(stop)  # type: ignore[attr-defined] # Lightning has them
    try:
        with handled(stop.receive):
            trainer.fit(model, datamodule=data, ckpt_path=resume, weights_only=True)
    except SystemExit:
        return {"evaluated": trainer.fit_loop.epoch_loop.val_loop.batch_progress.current.ready}
    trainer.save_checkpoint(folder / "end.ckpt")
    weights = torch.cat([tensor.flatten().double() for tensor in model.network.state_dict().values()])
    return {
        "losses": model.losses,
        "weights": weights.tolist(),
        "steps": trainer.global_step,
        "batches": len(data.train_dataloader()),
        "evaluated": len(data.val_dataloader()),
        "accuracy": float(trainer.callback_metrics["val/accuracy_clean"]),
    }


def trained(root: Path, folder: Path, ranks: int, **options: Any) -> list[dict[str, Any]]:
    """What each rank of a training reports."""
    shared = {"random_start": False, "max_epochs": 2, **options}
    return on_ranks(lambda _: _train(root, folder, ranks, shared), ranks)


if __name__ == "__main__":
    photos_, folder_ = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)  # threads do not survive a fork
    if sys.argv[3:] == ["uneven"]:
        uneven = {"max_epochs": 1, "validation_photos": 7}  # 4 and 3 photos in batches of 3
        runs = {
            "whole": trained(photos_, folder_, 2, **uneven),
            "stopped": trained(photos_, folder_, 2, **uneven, stopped_on=1),
        }
        sys.stdout.write(json.dumps(runs) + "\n")
        sys.stdout.flush()
        os._exit(0)
    runs = {
        "one": trained(photos_, folder_, 1),
        "two": trained(photos_, folder_, 2),
        "accumulated": trained(photos_, folder_, 1, accumulate_grad_batches=2, limit_train_batches=4),
        "random": trained(photos_, folder_, 2, random_start=True),
        "random, first half": trained(photos_, folder_, 2, random_start=True, max_epochs=1),
        "random, resumed": trained(photos_, folder_, 2, random_start=True, resume=str(folder_ / "end.ckpt")),
    }
    sys.stdout.write(json.dumps(runs) + "\n")
    sys.stdout.flush()
    os._exit(0)
