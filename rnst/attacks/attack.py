"""Base class of the attacks, from images to adversarial images, and the attack that does nothing."""

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
    """Maps images to adversarial images.

    Args:
        ball: allowed perturbations.
    """

    ball: Ball

    def with_radius(self, radius: float) -> Self:
        """The attack with another radius and all other lengths in proportion."""
        return replace(self, ball=replace(self.ball, radius=radius))

    def scaled(self, factor: float) -> Self:
        """The attack of the same strength per pixel for images whose side is `factor` times as long."""
        return self.with_radius(self.ball.scaled(factor).radius)

    @abstractmethod
    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        """Attack `model`. This works under `no_grad` and `inference_mode`, and does not change weight gradients.

        Args:
            model: images (N, 3, H, W) in [0, 1] to logits (N, K). The caller chooses train or eval mode.
            images: (N, 3, H, W) in [0, 1].
            labels: (N,) class numbers.

        Returns:
            Detached tensor of the shape and dtype of `images`, in [0, 1] and in the ball around them.
        """


@dataclass(frozen=True)
class NoAttack(Attack):
    """Returns the images unchanged; adversarial training with this attack is standard training.

    Args:
        ball: of radius 0; that of another attack, whose place this one takes in a configuration, becomes it.
    """

    ball: Ball = L2Ball(0.0)

    def __post_init__(self) -> None:
        """Whatever ball was there before, nothing is allowed in it."""
        object.__setattr__(self, "ball", replace(self.ball, radius=0.0))

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002 - it ignores both
        """Return `images`."""
        return images


@contextmanager
def weights_frozen(model: Model) -> Iterator[None]:
    """Freeze the weights inside the block, so that autograd neither computes their gradients nor saves inputs for them.

    `torch.autograd.grad` alone would not compute these gradients either, but a convolution whose weight requires a
    gradient saves its input for the backward pass. Hooks of a distributed wrapper on the weights stay in place.

    Args:
        model: a module, whose parameters are frozen; any other callable is left unchanged.
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
