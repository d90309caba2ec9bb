"""Optimizer and learning-rate schedule of a classifier."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from rnst.errors import InvalidValueError

_RISE = 0.3  # share of a one-cycle run in which the learning rate rises, unless warmup_epochs sets it


@dataclass(frozen=True)
class Recipe:
    """An optimizer and a schedule.

    The defaults are those of the published Restricted ImageNet weights (Tsipras et al. 2019; the authors' answers on
    their repository): SGD at 0.1, divided by ten at epochs 30 and 60.

    Args:
        learning_rate: highest value that the schedule reaches.
        method: "sgd" with momentum, or "adamw" (Adam with decoupled weight decay; learning rates near 0.001).
        momentum: share of the last update that is kept; with "adamw", of the first moment.
        nesterov: Nesterov momentum ("sgd" alone).
        weight_decay: decay of all parameters towards zero.
        schedule: "step" divides by ten at `milestones`; "one_cycle" rises and falls to zero; "cosine" falls to zero;
            "constant".
        milestones: epochs at which "step" divides.
        warmup_epochs: duration of the rise of the learning rate from zero, in epochs or fractions of one. With
            "one_cycle", 0 means 30 % of the run; with the others, no warm-up.
    """

    learning_rate: float = 0.1
    method: Literal["sgd", "adamw"] = "sgd"
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    schedule: Literal["step", "one_cycle", "cosine", "constant"] = "step"
    milestones: tuple[int, ...] = (30, 60)
    warmup_epochs: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that optimizers do not accept."""
        if not 0 < self.learning_rate < math.inf:
            raise InvalidValueError("recipe.learning_rate", self.learning_rate, "a finite number above 0")
        if not 0 <= self.weight_decay < math.inf:
            raise InvalidValueError("recipe.weight_decay", self.weight_decay, "a finite number, 0 or more")
        if not 0 <= self.momentum < 1:
            raise InvalidValueError("recipe.momentum", self.momentum, "0 or more and less than 1")
        if self.nesterov and not (self.method == "sgd" and self.momentum):
            raise InvalidValueError("recipe.nesterov", self.nesterov, "false without sgd and its momentum")
        if not 0 <= self.warmup_epochs < math.inf:
            raise InvalidValueError("recipe.warmup_epochs", self.warmup_epochs, "a finite number, 0 or more")

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer of `parameters`."""
        if self.method == "adamw":
            betas = (self.momentum, 0.999)
            return torch.optim.AdamW(parameters, lr=self.learning_rate, betas=betas, weight_decay=self.weight_decay)
        return torch.optim.SGD(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )

    def scheduler(self, optimizer: torch.optim.Optimizer, total_steps: float, steps_of_epoch: float) -> LRScheduler:
        """Build a schedule that is advanced once for every optimizer step.

        Args:
            optimizer: its learning rate is changed.
            total_steps: optimizer steps of the whole run; infinite if no number of them ends it.
            steps_of_epoch: optimizer steps of one epoch.

        Raises:
            InvalidValueError: the warm-up is as long as the run, or the schedule needs a length and there is none.
        """
        self.check_length(total_steps)
        epochs = total_steps / steps_of_epoch
        if self.warmup_epochs >= epochs:
            raise InvalidValueError(
                "recipe.warmup_epochs", self.warmup_epochs, f"less than the {epochs:g} epochs of the run"
            )
        if self.schedule == "one_cycle" and total_steps > 1:
            rise = self.warmup_epochs / epochs or _RISE
            rise *= 1.0 if rise * total_steps != 1.0 else 1.01  # torch divides by the steps of the rise but one
            return torch.optim.lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=self.learning_rate,
                total_steps=int(total_steps),
                pct_start=rise,
                cycle_momentum=False,
            )
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.share(step, total_steps, steps_of_epoch))

    def check_length(self, total_steps: float) -> None:
        """Refuse a run without a given length, which time or the user ends, for a schedule that spans the whole run.

        Raises:
            InvalidValueError: `total_steps` is infinite, and the schedule needs a length.
        """
        if self.schedule in {"one_cycle", "cosine"} and not math.isfinite(total_steps):
            wanted = (
                f"given, or --trainer.max_steps: the schedule {self.schedule} spans the run. step and constant do not"
            )
            raise InvalidValueError("--trainer.max_epochs", None, wanted)

    def share(self, step: int, total_steps: float, steps_of_epoch: float) -> float:
        """Fraction of the highest learning rate at `step`, counted from 0.

        Of "one_cycle" this is only for a run of one step, which has no time to rise.
        """
        if self.schedule == "one_cycle":
            return 1.0
        warmup = round(self.warmup_epochs * steps_of_epoch)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if self.schedule == "cosine":
            return 0.5 + 0.5 * math.cos(math.pi * (step - warmup) / max(1, total_steps - warmup))
        if self.schedule == "step":
            passed = sum(step >= round(milestone * steps_of_epoch) for milestone in self.milestones)
            return float(0.1**passed)
        return 1.0
