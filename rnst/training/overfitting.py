"""A watch for catastrophic overfitting: a network that resists the attack it is trained with, and no other."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor
from torch.utils.data import default_collate

from rnst.attacks.pgd import published_pgd
from rnst.errors import InvalidValueError

_HALF = 0.5
_DEVIATIONS = 3.0


@dataclass(frozen=True)
class MonitorSettings:
    """When and how to look.

    Attributes:
        every: optimizer steps between two looks; 0 for never.
        photos: how many photos of the validation it uses, evenly spread.
        steps: of PGD; each is 2.5 radii / steps long.
        stop: end the training when it happens and export the last good weights; else only say so.
    """

    every: int = 0
    photos: int = 256
    steps: int = 10
    stop: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        for name, value, least in (("every", self.every, 0), ("photos", self.photos, 1), ("steps", self.steps, 1)):
            if value < least:
                raise InvalidValueError(f"--monitor.{name}", value, f"{least} or more")


class OverfittingMonitor(Callback):
    """Compares, on photos of the validation, accuracy under the training's own attack and under PGD in the same ball.

    One-step attacks can teach a network to fool that one step; within a few hundred steps PGD accuracy then falls to
    zero while the training looks better than ever (Wong et al. 2020, section 5.3). Where PGD accuracy is less than half
    of the other, beyond what chance explains, that has happened. What the monitor draws changes nothing for the
    training.

    Args:
        settings: when and how to look.
        last_good: where the last state that resisted is kept.
        say: told when it happens.
    """

    def __init__(self, settings: MonitorSettings, last_good: Path, say: Callable[[str], object]) -> None:
        self._settings = settings
        self._last_good = last_good
        self._say = say
        self._held: tuple[Tensor, Tensor] | None = None
        self.collapsed_at: int | None = None
        self.last_good_step: int | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Another stage may have another size of images."""
        self._held = None

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Look, when the time has come."""
        step = trainer.global_step
        if not self._settings.every or step % self._settings.every or self.collapsed_at is not None:
            return
        own, pgd = self._accuracies(trainer, pl_module)
        collapsed = has_collapsed(own, pgd, self._settings.photos, len(pl_module.data.class_names))
        metrics = {"monitor/accuracy_own_attack": own, "monitor/accuracy_pgd": pgd, "monitor/collapsed": collapsed}
        for logger in trainer.loggers:
            logger.log_metrics({name: float(value) for name, value in metrics.items()}, step=step - 1)
        if collapsed:
            self._report(trainer, step, own, pgd)
        else:
            trainer.save_checkpoint(self._last_good)
            self.last_good_step = step

    def restore(self, trainer: pl.Trainer, model: pl.LightningModule) -> bool:
        """Put the last good weights into `model` if the training was stopped; whether it was."""
        if self.collapsed_at is None or self.last_good_step is None or not self._settings.stop:
            return False
        trainer.strategy.barrier()
        model.load_state_dict(trainer.strategy.load_checkpoint(self._last_good, weights_only=True)["state_dict"])
        if trainer.is_global_zero:
            self._last_good.touch()  # the newest state: a resumed training goes on from here, not from what is spoiled
        return True

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"last_good_step": self.last_good_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.last_good_step = state_dict["last_good_step"]

    def _accuracies(self, trainer: pl.Trainer, pl_module: Any) -> tuple[float, float]:
        """Under the training's own attack and under PGD, over all devices."""
        images, labels = self._held or self._hold(trainer, pl_module)
        attack = pl_module.attack
        if not attack.ball.radius:
            raise InvalidValueError("--monitor.every", self._settings.every, "0 where the training has no radius")
        steps = self._settings.steps
        pgd = published_pgd(attack.ball, steps, random_start=True)
        devices = [pl_module.device] if pl_module.device.type == "cuda" else []
        with torch.random.fork_rng(devices), trainer.precision_plugin.forward_context():
            found = torch.stack([pl_module.accuracy_under(adversary, images, labels) for adversary in (attack, pgd)])
        own, robust = trainer.strategy.reduce(found, reduce_op="mean").tolist()
        return own, robust

    def _hold(self, trainer: pl.Trainer, pl_module: Any) -> tuple[Tensor, Tensor]:
        """This device's part of the photos held back: spread over the whole validation, which is sorted by class."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined] # Lightning attaches it
        photos = data.val_dataloader().dataset
        numbers = torch.linspace(0, len(photos) - 1, min(self._settings.photos, len(photos))).long().tolist()
        batch = default_collate([photos[number] for number in numbers[trainer.global_rank :: trainer.world_size]])
        images, labels = pl_module.labeled(
            data.on_after_batch_transfer([part.to(pl_module.device) for part in batch], 0)
        )
        self._held = (images, labels)
        return images, labels

    def _report(self, trainer: pl.Trainer, step: int, own: float, pgd: float) -> None:
        self.collapsed_at = step
        kept = "no good state was seen before"
        if self.last_good_step is not None:
            kept = f"the state of step {self.last_good_step} is kept in {self._last_good}"
        then = "The training stops" if self._settings.stop else "The training goes on"
        self._say(
            f"catastrophic overfitting at step {step}: {own:.0%} right under the attack of the training, "
            f"{pgd:.0%} under PGD-{self._settings.steps}. {then}; {kept}. Less radius, more steps or a warm-up help."
        )
        trainer.should_stop = trainer.should_stop or self._settings.stop


def has_collapsed(own: float, pgd: float, photos: int, classes: int) -> bool:
    """Whether PGD accuracy is less than half of that under the own attack, and the latter no guessing.

    Args:
        own: share of photos right under the training's own attack.
        pgd: share right under PGD.
        photos: how many were counted; differences below three standard deviations of such a count mean nothing.
        classes: a network that guesses is right for one photo in so many.
    """
    deviation = math.sqrt(max(own * (1 - own), 0.25 / photos) / photos)
    return pgd < _HALF * own and own - max(pgd, 1 / classes) > _DEVIATIONS * deviation
