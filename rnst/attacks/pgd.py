"""Projected gradient descent: one loop for any model, any ball, any loss."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from rnst.attacks.attack import Attack, Model, weights_frozen
from rnst.attacks.ball import Ball
from rnst.attacks.loss import AttackLoss, CrossEntropy, in_float
from rnst.errors import InvalidValueError

_PATH = 2.5  # total length of all steps of the published attack, in radii
_FLOAT16_SCALE = 4096.0  # of a loss, so that gradients of 1e-8 for each value are above the smallest float16


@dataclass(frozen=True)
class PGD(Attack):
    """Maximize a loss of each image inside a ball (Madry et al. 2018, section 2.1).

    As in the `robustness` library, the step is `step_size` times the steepest direction, the perturbation is projected
    to the ball, the image is clamped to [0, 1], and the iterate of highest loss is kept. There are two departures: a
    random start is uniform in the L2 ball (the library draws from its surface), and restarts keep the worst case.

    Args:
        ball: allowed perturbations.
        steps: gradient steps per restart.
        step_size: length of one step in the units of the ball's radius.
        random_start: start at a random point of the ball, not at the image.
        restarts: independent runs; the image of highest loss over all of them is kept.
        keep_best: return the iterate of highest loss (costs one more forward pass), not the last one.
        loss: loss to maximize: untargeted, targeted, or the distance from the clean output.
    """

    steps: int = 7
    step_size: float = 0.5
    random_start: bool = False
    restarts: int = 1
    keep_best: bool = True
    loss: AttackLoss = CrossEntropy()

    def __post_init__(self) -> None:
        """Refuse numbers out of range; zero steps return the random start."""
        if self.steps < 0:
            raise InvalidValueError("attack.steps", self.steps, "0 or more")
        if self.restarts < 1:
            raise InvalidValueError("attack.restarts", self.restarts, "at least 1")
        if self.restarts > 1 and not self.random_start:
            raise InvalidValueError("attack.random_start", self.random_start, "true with restarts: they would be equal")
        if not 0 < self.step_size < math.inf:
            raise InvalidValueError("attack.step_size", self.step_size, "a finite number above 0")
        if self.loss.flat_at_image and not self.random_start:
            wanted = f"true with the loss {type(self.loss).__name__}, whose gradient is zero at the image"
            raise InvalidValueError("attack.random_start", self.random_start, wanted)

    def with_radius(self, radius: float) -> Self:
        """The attack with another radius and the step in proportion."""
        grown = radius / self.ball.radius if self.ball.radius else 1.0
        # At radius zero, where a warm-up begins, the step is irrelevant, but its length must be positive.
        return replace(super().with_radius(radius), step_size=self.step_size * grown if grown else self.step_size)

    def __call__(self, model: Model, images: Tensor, labels: Tensor, radii: Tensor | None = None) -> Tensor:
        """Attack `model`; see `Attack`. The returned iterate is in the ball and in [0, 1].

        Args:
            model: images (N, 3, H, W) in [0, 1] to logits (N, K).
            images: (N, 3, H, W) in [0, 1].
            labels: (N,) class numbers, or other labels that the loss supports.
            radii: (N,), one radius for each image in place of the ball's; steps are in proportion.
        """
        # Tensors created under inference mode cannot be saved for backward: clone all of them outside of it.
        with torch.inference_mode(mode=False), torch.enable_grad(), weights_frozen(model):
            images, labels = images.detach().clone(), labels.clone()
            loss = self.loss.prepared(model, images, labels)
            run = _Run(self, images, lambda current: loss(in_float(model(current))), self._shares(images, radii))
            best, best_loss = run()
            for _ in range(self.restarts - 1):
                best, best_loss = _worse(*run(), best, best_loss)
            return best

    def _shares(self, images: Tensor, radii: Tensor | None) -> Tensor | None:
        """Each image's fraction of the ball's radius, (N, 1, 1, 1)."""
        if radii is None:
            return None
        if self.ball.radius == 0:
            raise InvalidValueError("attack.ball.radius", self.ball.radius, "more than 0 where each image has its own")
        if radii.shape != images.shape[:1] or not bool((radii >= 0).all()):
            raise InvalidValueError(
                "radii", tuple(radii.shape), f"{len(images)} numbers, one for each image, 0 or more"
            )
        return (radii.clone().to(images) / self.ball.radius).view(-1, *(1 for _ in images.shape[1:]))


def published_pgd(ball: Ball, steps: int = 20, *, random_start: bool = False, loss: AttackLoss = CrossEntropy()) -> PGD:
    """The attack of the published robustness tables: steps of 2.5 radii / `steps`, with the worst iterate kept.

    The `robustness` library, whose authors made the tables, starts at the image itself by default.

    Args:
        ball: allowed perturbations; its radius is more than 0.
        steps: gradient steps.
        random_start: start at a random point of the ball, for a loss that is flat at the image, or against networks
            with suspected gradient masking.
        loss: loss to maximize.

    Raises:
        InvalidValueError: the radius of the ball is 0.
    """
    if not ball.radius:
        raise InvalidValueError("ball.radius", ball.radius, "more than 0 for an attack")
    return PGD(ball, steps, _PATH * ball.radius / steps, random_start=random_start, loss=loss)


@dataclass(frozen=True)
class _Run:
    """One restart on one batch.

    Attributes:
        attack: its settings.
        images: (N, 3, H, W) in [0, 1], before the attack.
        loss: images (N, 3, H, W) to losses (N,).
        shares: each image's fraction of the radius and of the step, (N, 1, 1, 1); None means 1 for all images.
    """

    attack: PGD
    images: Tensor
    loss: Callable[[Tensor], Tensor]
    shares: Tensor | None

    def __call__(self) -> tuple[Tensor, Tensor]:
        """Adversarial images and their losses, (N,)."""
        attack, images = self.attack, self.images
        current = images
        if attack.random_start:
            current = self._inside(self._shared(attack.ball.random_start(images)))
        best, best_loss = current, torch.full(images.shape[:1], -torch.inf, device=images.device)
        for _ in range(attack.steps):
            current = current.detach().requires_grad_()
            loss = self.loss(current)
            gradient = _gradient(loss.sum(), current)
            current = current.detach()
            best, best_loss = _worse(current, loss.detach(), best, best_loss)
            step = self._shared(attack.step_size * attack.ball.steepest(gradient))
            current = self._inside(current + step - images)
        if not attack.keep_best and attack.restarts == 1:
            return current, best_loss
        with torch.no_grad():
            loss = self.loss(current)
        if not attack.keep_best:
            return current, loss
        return _worse(current, loss, best, best_loss)

    def _shared(self, delta: Tensor) -> Tensor:
        return delta if self.shares is None else delta * self.shares

    def _inside(self, delta: Tensor) -> Tensor:
        if self.shares is None:
            inside = self.attack.ball.project(delta)
        else:  # in the units of the ball; an image with share zero has no perturbation
            inside = self.attack.ball.project(delta / self.shares.clamp_min(1e-12)) * self.shares
        return (self.images + inside).clamp(0.0, 1.0)


def _gradient(loss: Tensor, images: Tensor) -> Tensor:
    """Gradient of a loss with respect to images; under float16 autocast up to a positive factor.

    In float16 the gradient of a confident answer is too small to be represented. It would be 0, and the image would
    count as robust.
    """
    kind = images.device.type
    if not (torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) is torch.float16):
        return torch.autograd.grad(loss, images)[0]
    (larger,) = torch.autograd.grad(loss * _FLOAT16_SCALE, images, retain_graph=True)
    finite = larger.isfinite().flatten(1).all(1)
    if bool(finite.all()):
        return larger
    return torch.where(finite.view(-1, 1, 1, 1), larger, torch.autograd.grad(loss, images)[0])


def _worse(candidate: Tensor, loss: Tensor, best: Tensor, best_loss: Tensor) -> tuple[Tensor, Tensor]:
    """The image of higher loss for each sample, and its loss."""
    higher = loss > best_loss
    chosen = higher.view(-1, *(1 for _ in candidate.shape[1:]))
    return torch.where(chosen, candidate, best), torch.where(higher, loss, best_loss)
