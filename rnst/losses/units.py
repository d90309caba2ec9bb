"""What a picture can excite: a channel, a neuron, a direction, a class, a whole layer, or the features of a photo."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.losses.activations import Activation, Features

LOGITS = "logits"
_LEAST_COSINE = 0.1  # a direction that the features do not point in yet must still pull (lucid has the same floor)


@dataclass(frozen=True)
class _OfLayer(Activation):
    layer: str

    @property
    def layers(self) -> tuple[str, ...]:
        """The one layer."""
        return (self.layer,)


@dataclass(frozen=True)
class Channel(_OfLayer):
    """Mean of a channel over all positions; of LOGITS, the score of a class before the softmax.

    Attributes:
        layer: name of the features.
        channel: counted from 0.
    """

    channel: int

    def __call__(self, features: Features) -> Tensor:
        """Values (N,).

        Raises:
            InvalidValueError: the layer has fewer channels.
        """
        return _over_places(_channel(features, self.layer, self.channel))


@dataclass(frozen=True)
class Neuron(_OfLayer):
    """A channel at one position.

    Attributes:
        layer: name of the features.
        channel: counted from 0.
        position: row and column, from 0; none means the middle.
    """

    channel: int
    position: tuple[int, int] | None = None

    def __call__(self, features: Features) -> Tensor:
        """Values (N,).

        Raises:
            InvalidValueError: the layer has fewer channels, fewer positions, or no positions at all.
        """
        found = _channel(features, self.layer, self.channel)
        if found.dim() == 1:
            raise InvalidValueError("a position of", self.layer, f"of a layer of maps; {self.layer}:{self.channel}")
        height, width = found.shape[-2:]
        row, column = self.position or (height // 2, width // 2)
        if not (0 <= row < height and 0 <= column < width):
            wanted = f"below {height},{width}, which {self.layer} has for a picture of this size"
            raise InvalidValueError("the position", f"{row},{column}", wanted)
        return found[:, row, column]


@dataclass(frozen=True, eq=False)
class Direction(_OfLayer):
    """A weighted mixture of channels, of length 1, at all positions.

    With a power, the projection is multiplied by that power of the cosine (lucid's `direction` with `cossim_pow`, there
    too not below 0.1): what points elsewhere as well then counts less.

    Attributes:
        layer: name of the features.
        weights: channel -> part of the direction; the others have none.
        cosine_power: 0 projects only.
    """

    weights: Mapping[int, float]
    cosine_power: float = 0.0

    def __call__(self, features: Features) -> Tensor:
        """Values (N,).

        Raises:
            InvalidValueError: the layer has fewer channels.
        """
        length = math.sqrt(sum(weight**2 for weight in self.weights.values()))
        projected = torch.stack(
            [weight / length * _channel(features, self.layer, channel) for channel, weight in self.weights.items()]
        ).sum(0)
        if self.cosine_power:
            cosine = projected / torch.linalg.vector_norm(features[self.layer], dim=1).clamp_min(1e-6)
            projected = projected * cosine.clamp_min(_LEAST_COSINE) ** self.cosine_power
        return _over_places(projected)


@dataclass(frozen=True)
class DeepDream(_OfLayer):
    """Mean square of all features of a layer: more of whatever is there (Mordvintsev, Olah and Tyka 2015)."""

    def __call__(self, features: Features) -> Tensor:
        """Values (N,)."""
        return features[self.layer].square().flatten(1).mean(1)


@dataclass(frozen=True, eq=False)
class Closeness(_OfLayer):
    """Minus the relative distance from given features, ||R(x) - r|| / ||r|| (Engstrom et al. 2019, equation 3).

    Attributes:
        layer: name of the features.
        target: r, (1, ...) of the shape of the features of one picture.
    """

    target: Tensor

    def __call__(self, features: Features) -> Tensor:
        """Values (N,), at most 0."""
        difference = (features[self.layer] - self.target).flatten(1)
        distance: Tensor = torch.linalg.vector_norm(difference, dim=1) / torch.linalg.vector_norm(self.target)
        return -distance


def _over_places(values: Tensor) -> Tensor:
    """Mean of (N, H, W) over all positions; (N,) has none."""
    return values if values.dim() == 1 else values.flatten(1).mean(1)


def _channel(features: Features, layer: str, channel: int) -> Tensor:
    """(N, H, W), or (N,) of a layer without positions."""
    found = features[layer]
    if not 0 <= channel < found.shape[1]:
        raise InvalidValueError("the channel", f"{layer}:{channel}", f"below {found.shape[1]}, which {layer} has")
    return found[:, channel]
