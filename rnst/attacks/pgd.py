"""Projected gradient descent: one loop over any model, any ball."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from rnst.attacks.attack import Attack, Model
from rnst.errors import InvalidValueError


@dataclass(frozen=True)
class PGD(Attack):
    """Maximize the cross-entropy of each image inside a ball (Madry et al. 2018, section 2.1).

    As in the `robustness` library, the step is `step_size` times the steepest direction, the perturbation is projected
    to the ball, the image is clamped to [0, 1], and the iterate of highest loss is kept. We depart in that a random
    start is uniform in the L2 ball (the library draws from its surface), and in that restarts keep the worst case.

    Args:
        ball: what the adversary may add.
        steps: gradient steps per restart.
        step_size: length of one step in the units of the ball's radius.
        random_start: begin at a random point of the ball, not at the image.
        restarts: independent tries; the image of highest loss over all of them is kept.
        keep_best: return the iterate of highest loss (costs one more forward pass), not the last one.
    """

    steps: int = 7
    step_size: float = 0.5
    random_start: bool = False
    restarts: int = 1
    keep_best: bool = True

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing; no steps at all leave the random start."""
        if self.steps < 0:
            raise InvalidValueError("attack.steps", self.steps, "0 or more")
        if self.restarts < 1:
            raise InvalidValueError("attack.restarts", self.restarts, "at least 1")
        if self.step_size <= 0:
            raise InvalidValueError("attack.step_size", self.step_size, "more than 0")

    def scaled(self, factor: float) -> Self:
        """The attack of the same strength per pixel for images whose side is `factor` times as long."""
        ball = self.ball.scaled(factor)
        ratio = ball.radius / self.ball.radius if self.ball.radius else 1.0
        return replace(self, ball=ball, step_size=self.step_size * ratio)

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        """Attack `model`; see `Attack`. The iterate kept is in the ball and in [0, 1]."""
        # Tensors born under inference mode cannot be saved for backward: clone both outside of it.
        with torch.inference_mode(mode=False), torch.enable_grad():
            images, labels = images.detach().clone(), labels.clone()
            best, best_loss = self._one_run(model, images, labels)
            for _ in range(self.restarts - 1):
                candidate, loss = self._one_run(model, images, labels)
                best, best_loss = _worse(candidate, loss, best, best_loss)
            return best

    def _one_run(self, model: Model, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """One restart: its adversarial images and their losses, (N,)."""
        current = images
        if self.random_start:
            current = self._inside(images, self.ball.random_start(images))
        best, best_loss = current, torch.full(labels.shape, -torch.inf, device=images.device)
        for _ in range(self.steps):
            current = current.detach().requires_grad_()
            loss = _losses(model, current, labels)
            (gradient,) = torch.autograd.grad(loss.sum(), current)
            current = current.detach()
            best, best_loss = _worse(current, loss.detach(), best, best_loss)
            step = self.step_size * self.ball.steepest(gradient)
            current = self._inside(images, current + step - images)
        if not self.keep_best and self.restarts == 1:
            return current, best_loss
        with torch.no_grad():
            loss = _losses(model, current, labels)
        if not self.keep_best:
            return current, loss
        return _worse(current, loss, best, best_loss)

    def _inside(self, images: Tensor, delta: Tensor) -> Tensor:
        return (images + self.ball.project(delta)).clamp(0.0, 1.0)


def _losses(model: Model, images: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each image, (N,), in float32 also under autocast."""
    return F.cross_entropy(model(images).float(), labels, reduction="none")


def _worse(candidate: Tensor, loss: Tensor, best: Tensor, best_loss: Tensor) -> tuple[Tensor, Tensor]:
    """For each sample the image of higher loss, and that loss."""
    higher = loss > best_loss
    chosen = higher.view(-1, *(1 for _ in candidate.shape[1:]))
    return torch.where(chosen, candidate, best), torch.where(higher, loss, best_loss)
