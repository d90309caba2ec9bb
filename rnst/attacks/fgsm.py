"""The fast gradient sign method with a random start: PGD of one long step."""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from rnst.attacks.attack import Attack, Model
from rnst.attacks.loss import AttackLoss, CrossEntropy
from rnst.attacks.pgd import PGD
from rnst.errors import InvalidValueError


@dataclass(frozen=True)
class FGSM(Attack):
    """One step from a random point of the ball, the cheapest attack that trains robust networks (Wong et al. 2020).

    Steps far longer than the radius, or radii too large for the data, can cause catastrophic overfitting, after which
    the network resists only this attack. The training monitors this.

    Args:
        ball: allowed perturbations.
        step: length of the step in radii; 1.25 is the value of algorithm 3 and section 5 of the paper.
        loss: loss to maximize.
    """

    step: float = 1.25
    loss: AttackLoss = CrossEntropy()
    steps: ClassVar[int] = 1

    def __post_init__(self) -> None:
        """Refuse a step without length."""
        if not 0 < self.step < math.inf:
            raise InvalidValueError("attack.step", self.step, "more than 0")

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        """Attack `model`; see `Attack`."""
        if self.ball.radius == 0:  # at the start of a warm-up
            return images.clone()
        step_size = self.step * self.ball.radius
        one_step = PGD(self.ball, steps=1, step_size=step_size, random_start=True, keep_best=False, loss=self.loss)
        return one_step(model, images, labels)
