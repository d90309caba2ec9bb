"""Activations of a network that an image should maximize. Higher is always better.

`minimized` negates an activation for an optimizer that minimizes; no other function changes the sign.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.errors import InvalidValueError

Features = Mapping[str, Tensor]


class Activation(ABC):
    """One number for each image of a batch.

    Activations combine: `a + b`, `a - b`, `-a`, `0.5 * a` and `a * b`. The product raises both only where both are
    positive.
    """

    @property
    @abstractmethod
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that it uses."""

    @abstractmethod
    def __call__(self, features: Features) -> Tensor:
        """Values (N,) of features by layer: (N, C, H, W), or (N, K) for the logits and the representation."""

    def __add__(self, other: "Activation") -> "Activation":
        return Sum(self, other)

    def __sub__(self, other: "Activation") -> "Activation":
        return Sum(self, Scaled(-1.0, other))

    def __neg__(self) -> "Activation":
        return Scaled(-1.0, self)

    def __mul__(self, other: "Activation | float") -> "Activation":
        return Product(self, other) if isinstance(other, Activation) else Scaled(float(other), self)

    __rmul__ = __mul__


@dataclass(frozen=True, eq=False)
class Scaled(Activation):
    """`factor` times `part`.

    Raises:
        InvalidValueError: the factor is NaN or infinite.
    """

    factor: float
    part: Activation

    def __post_init__(self) -> None:
        """Validate the factor."""
        if not math.isfinite(self.factor):
            raise InvalidValueError("the factor of an activation", self.factor, "a finite number")

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of the part."""
        return self.part.layers

    def __call__(self, features: Features) -> Tensor:
        """Values (N,)."""
        return self.factor * self.part(features)


@dataclass(frozen=True, eq=False)
class _Pair(Activation):
    left: Activation
    right: Activation

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of both parts, without duplicates."""
        return tuple(dict.fromkeys((*self.left.layers, *self.right.layers)))


class Sum(_Pair):
    """`left` plus `right`."""

    def __call__(self, features: Features) -> Tensor:
        """Values (N,)."""
        return self.left(features) + self.right(features)


class Product(_Pair):
    """`left` times `right`."""

    def __call__(self, features: Features) -> Tensor:
        """Values (N,)."""
        return self.left(features) * self.right(features)


@dataclass(frozen=True)
class EachItsOwn(Activation):
    """A separate activation for each image of a batch.

    Attributes:
        activations: one for each image, in batch order.
    """

    activations: Sequence[Activation]

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers of all activations, without duplicates."""
        return tuple(dict.fromkeys(layer for activation in self.activations for layer in activation.layers))

    def __call__(self, features: Features) -> Tensor:
        """Values (N,); N is the number of activations."""
        values = [
            activation({layer: features[layer][number : number + 1] for layer in activation.layers})
            for number, activation in enumerate(self.activations)
        ]
        return torch.cat(values)


def minimized(activation: Activation) -> Callable[[Features, Tensor], dict[str, Tensor]]:
    """An objective for `rnst.stylization.image_optimization` to minimize: minus the activation, summed over images."""

    def objective(features: Features, _image: Tensor) -> dict[str, Tensor]:
        return {"total": -activation(features).sum()}

    return objective
