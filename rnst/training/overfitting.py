"""Detection of catastrophic overfitting: the network resists only the attack that it is trained with."""

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

from rnst.attacks.attack import Attack
from rnst.attacks.pgd import published_pgd
from rnst.data.batches import without_broken
from rnst.errors import InvalidValueError

_HALF = 0.5
_DEVIATIONS = 3.0


@dataclass(frozen=True)
class MonitorSettings:
    """When and how to check for catastrophic overfitting.

    Attributes:
        every: optimizer steps between two checks; 0 for never.
        photos: number of validation photos to use, evenly spread.
        steps: steps of PGD; each is 2.5 radii / steps long.
        stop: on detection, end the training and export the last good weights; otherwise only report it.
    """

    every: int = 0
    photos: int = 256
    steps: int = 10
    stop: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        for name, value, least in (("every", self.every, 0), ("photos", self.photos, 1), ("steps", self.steps, 1)):
            if value < least:
                raise InvalidValueError(f"--monitor.{name}", value, f"{least} or more")

    def check(self, attack: Attack) -> None:
        """Refuse to compare PGD to the attack of a training that has none.

        Raises:
            InvalidValueError: the monitor is on, and the ball of `attack` has no radius.
        """
        if self.every and not attack.ball.radius:
            raise InvalidValueError("--monitor.every", self.every, "0 where the training has no radius")


class OverfittingMonitor(Callback):
    """Compares accuracy under the training's own attack and under PGD in the same ball, on validation photos.

    Networks can learn to fool a one-step attack alone; within a few hundred steps PGD accuracy then falls to zero while
    the training metrics look better than ever (Wong et al. 2020, section 5.3). The monitor detects this when PGD
    accuracy is less than half of the accuracy under the own attack, beyond what chance explains. Its random draws do
    not change the training.

    Args:
        settings: when and how to check.
        last_good: where the last state that resisted PGD is stored.
        report: called with a message when overfitting is detected.
    """

    def __init__(self, settings: MonitorSettings, last_good: Path, report: Callable[[str], object]) -> None:
        self._settings = settings
        self._last_good = last_good
        self._report = report
        self._held: list[tuple[Tensor, Tensor]] | None = None
        self._checked = 0  # step of the last check; several batches may make one step
        self.collapsed_at: int | None = None
        self.last_good_step: int | None = None

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Refuse a training without an attack before its first step."""
        self._settings.check(pl_module.attack)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Drop the held photos: another stage may have another image size."""
        self._held = None

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Check, when a check is due."""
        step = trainer.global_step
        due = self._settings.every and step % self._settings.every == 0 and step > self._checked
        if not due or self.collapsed_at is not None:
            return
        self._checked = step
        own, pgd, photos = self._accuracies(trainer, pl_module)
        collapsed = has_collapsed(own, pgd, photos, len(pl_module.data.class_names))
        metrics = {"monitor/accuracy_own_attack": own, "monitor/accuracy_pgd": pgd, "monitor/collapsed": collapsed}
        for logger in trainer.loggers:
            logger.log_metrics({name: float(value) for name, value in metrics.items()}, step=step - 1)
        if collapsed:
            self._announce(trainer, step, own, pgd)
        else:
            self.last_good_step = step
            trainer.save_checkpoint(self._last_good)

    def restore(self, trainer: pl.Trainer, model: pl.LightningModule) -> bool:
        """Load the last good weights into `model` if the monitor stopped the training; returns whether it did."""
        if self.collapsed_at is None or self.last_good_step is None or not self._settings.stop:
            return False
        trainer.strategy.barrier()
        model.load_state_dict(trainer.strategy.load_checkpoint(self._last_good, weights_only=True)["state_dict"])
        if trainer.is_global_zero:
            self._last_good.touch()  # now the newest state: a resumed training continues from it, not from the collapse
        return True

    def state_dict(self) -> dict[str, Any]:
        """The state that a checkpoint stores."""
        return {"last_good_step": self.last_good_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state from a checkpoint."""
        self.last_good_step = state_dict["last_good_step"]

    def _accuracies(self, trainer: pl.Trainer, pl_module: Any) -> tuple[float, float, int]:
        """Accuracy under the training's own attack and under PGD, and the number of photos, over all devices."""
        if self._held is None:
            self._held = self._hold(trainer, pl_module)
        own = sum(len(labels) for _, labels in self._held)
        photos = max(1, int(trainer.strategy.reduce(torch.tensor(own, device=pl_module.device), reduce_op="sum")))
        pgd = published_pgd(pl_module.attack.ball, self._settings.steps, random_start=True)
        found = torch.zeros(2, device=pl_module.device)
        devices = [pl_module.device] if pl_module.device.type == "cuda" else []
        with torch.random.fork_rng(devices), trainer.precision_plugin.forward_context():
            for images, labels in self._held:
                both = [pl_module.accuracy_under(attack, images, labels) for attack in (pl_module.attack, pgd)]
                found += torch.stack(both) * (len(labels) * trainer.world_size / photos)
        own_attack, robust = trainer.strategy.reduce(found, reduce_op="mean").tolist()
        return own_attack, robust, photos

    def _hold(self, trainer: pl.Trainer, pl_module: Any) -> list[tuple[Tensor, Tensor]]:
        """Batches of this device's part of the held photos, spread over all of the validation, sorted by class."""
        data: Any = trainer.datamodule  # type: ignore[attr-defined] # Lightning attaches it
        loader = data.val_dataloader()
        photos = loader.dataset
        numbers = torch.linspace(0, len(photos) - 1, min(self._settings.photos, len(photos))).long().tolist()
        own, held = numbers[trainer.global_rank :: trainer.world_size], []
        for first in range(0, len(own), loader.batch_size):
            together = own[first : first + loader.batch_size]
            batch = without_broken(default_collate([photos[number] for number in together]))
            if len(batch[1]):
                on_device = [part.to(pl_module.device) for part in batch]
                held.append(pl_module.labeled(data.on_after_batch_transfer(on_device, 0)))
        return held

    def _announce(self, trainer: pl.Trainer, step: int, own: float, pgd: float) -> None:
        self.collapsed_at = step
        kept = "no good state was seen before"
        if self.last_good_step is not None:
            kept = f"the state of step {self.last_good_step} is kept in {self._last_good}"
        then = "The training stops" if self._settings.stop else "The training continues"
        self._report(
            f"catastrophic overfitting at step {step}: {own:.0%} right under the attack of the training, "
            f"{pgd:.0%} under PGD-{self._settings.steps}. {then}; {kept}. Less radius, more steps or a warm-up help."
        )
        trainer.should_stop = trainer.should_stop or self._settings.stop


def has_collapsed(own: float, pgd: float, photos: int, classes: int) -> bool:
    """Whether PGD accuracy is less than half of the accuracy under the own attack, and the latter above guessing.

    Args:
        own: share of photos classified correctly under the training's own attack.
        pgd: the same share under PGD.
        photos: number of photos; differences below three standard deviations of such a count are insignificant.
        classes: number of classes; guessing is right for one photo in so many.
    """
    deviation = math.sqrt(max(own * (1 - own), 0.25 / photos) / photos)
    return pgd < _HALF * own and own - max(pgd, 1 / classes) > _DEVIATIONS * deviation
