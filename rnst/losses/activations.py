"""What a picture should excite in a network. One sign for all: the higher the value, the better, and all are maximized.

An optimizer that minimizes gets `minimized`, the only place where a sign is turned.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Features = Mapping[str, Tensor]


class Activation(ABC):
    """One number for each picture of a batch.

    They combine: `a + b`, `a - b`, `-a`, `0.5 * a`, and `a * b`, which only wants both at once where both are positive.
    """

    @property
    @abstractmethod
    def layers(self) -> tuple[str, ...]:
        """Names of the features that it looks at."""

    @abstractmethod
    def __call__(self, features: Features) -> Tensor:
        """Values (N,) of features by layer: (N, C, H, W), or (N, K) of the logits and what lies before them."""

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
    """`factor` times `part`."""

    factor: float
    part: Activation

    @property
    def layers(self) -> tuple[str, ...]:
        """Those of the part."""
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
        """Those of both parts, each once."""
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
    """A batch in which every picture wants something else.

    Attributes:
        activations: of the first picture, of the second, and so on.
    """

    activations: Sequence[Activation]

    @property
    def layers(self) -> tuple[str, ...]:
        """Those of all."""
        return tuple(dict.fromkeys(layer for activation in self.activations for layer in activation.layers))

    def __call__(self, features: Features) -> Tensor:
        """Values (N,) of as many pictures as there are activations."""
        values = [
            activation({layer: features[layer][number : number + 1] for layer in activation.layers})
            for number, activation in enumerate(self.activations)
        ]
        return torch.cat(values)


def minimized(activation: Activation) -> Callable[[Features, Tensor], dict[str, Tensor]]:
    """The activation as what `rnst.stylization.image_optimization` minimizes: minus the sum over the pictures."""

    def objective(features: Features, _image: Tensor) -> dict[str, Tensor]:
        return {"total": -activation(features).sum()}

    return objective
