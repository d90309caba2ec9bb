"""What every attack is: images in, adversarial images out. And the one that does nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor, nn

from rnst.attacks.ball import Ball, L2Ball

Model = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Attack(ABC):
    """Anything that turns images into adversarial images.

    Args:
        ball: what the adversary may add.
    """

    ball: Ball

    def with_radius(self, radius: float) -> Self:
        """The attack with another radius, and all its other lengths in proportion."""
        return replace(self, ball=replace(self.ball, radius=radius))

    def scaled(self, factor: float) -> Self:
        """The attack of the same strength per pixel for images whose side is `factor` times as long."""
        return self.with_radius(self.ball.scaled(factor).radius)

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


@contextmanager
def weights_frozen(model: Model) -> Iterator[None]:
    """Nobody computes gradients of the weights in here, nor keeps what only they would need.

    `torch.autograd.grad` alone would not compute them either, but a convolution whose weight wants a gradient keeps its
    input for the backward pass. Hooks that a distributed wrapper has put on the weights stay where they are.

    Args:
        model: where it is a module, its parameters are frozen; anything else is left as it is.
    """
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    try:
        for parameter in trained:
            parameter.requires_grad_(False)  # noqa: FBT003 - the stub knows no keyword
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)  # noqa: FBT003 - the stub knows no keyword
