"""How weights move: optimizer and learning-rate schedule of a classifier."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum, and a schedule.

    The defaults are those of the published Restricted ImageNet weights (Tsipras et al. 2019; the authors' answers on
    their repository): 0.1, divided by ten at epochs 30 and 60.

    Args:
        learning_rate: highest value that the schedule reaches.
        momentum: share of the last update that is kept.
        nesterov: look ahead along the momentum.
        weight_decay: pull of all parameters towards zero.
        schedule: "step" divides by ten at `milestones`; "one_cycle" rises for 30 % of the run and falls to zero;
            "cosine" falls to zero from the start; "constant".
        milestones: epochs at which "step" divides.
    """

    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    schedule: Literal["step", "one_cycle", "cosine", "constant"] = "step"
    milestones: tuple[int, ...] = (30, 60)

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """SGD on `parameters`."""
        return torch.optim.SGD(
            parameters,
            lr=self.learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )

    def scheduler(self, optimizer: torch.optim.Optimizer, total_steps: int, epochs: int) -> LRScheduler:
        """A schedule that is advanced once for every optimizer step.

        Args:
            optimizer: whose learning rate changes.
            total_steps: optimizer steps of the whole run.
            epochs: epochs of the whole run.
        """
        if self.schedule == "one_cycle":
            return torch.optim.lr_scheduler.OneCycleLR(
                optimizer, max_lr=self.learning_rate, total_steps=total_steps, cycle_momentum=False
            )
        if self.schedule == "cosine":
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps)
        if self.schedule == "constant":
            return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
        steps_of_epoch = total_steps / epochs
        milestones = [round(milestone * steps_of_epoch) for milestone in self.milestones]
        return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)
