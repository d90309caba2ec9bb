"""What every attack is: images in, adversarial images out. And the one that does nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from rnst.attacks.ball import Ball, L2Ball

Model = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Attack(ABC):
    """Anything that turns images into adversarial images.

    Args:
        ball: what the adversary may add.
    """

    ball: Ball

    def scaled(self, factor: float) -> Self:
        """The attack of the same strength per pixel for images whose side is `factor` times as long."""
        return replace(self, ball=self.ball.scaled(factor))

    @abstractmethod
    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        """Attack `model`; it works under `no_grad` and `inference_mode`, and leaves weight gradients untouched.

        Args:
            model: images (N, 3, H, W) in [0, 1] to logits (N, K). The caller chooses train or eval mode.
            images: (N, 3, H, W) in [0, 1].
            labels: (N,) class numbers.

        Returns:
            Detached tensor of the shape and dtype of `images`, in [0, 1] and in the ball around them.
        """


@dataclass(frozen=True)
class NoAttack(Attack):
    """Ordinary training: the images as they are."""

    ball: Ball = L2Ball(0.0)

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002 - it ignores both
        """Give back `images`."""
        return images
