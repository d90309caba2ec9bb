"""Activations: of a channel, a neuron, a direction, a class or a whole layer, and closeness to given features."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.losses.activations import Activation, Features

LOGITS = "logits"
_LEAST_COSINE = 0.1  # keeps the gradient alive where features do not have the direction yet (same floor as lucid)


@dataclass(frozen=True)
class _OfLayer(Activation):
    layer: str

    @property
    def layers(self) -> tuple[str, ...]:
        """The one layer."""
        return (self.layer,)


@dataclass(frozen=True)
class Channel(_OfLayer):
    """Mean of a channel over all positions; for LOGITS, the logit of a class.

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
        position: row and column, from 0; None means the center.
    """

    channel: int
    position: tuple[int, int] | None = None

    def __call__(self, features: Features) -> Tensor:
        """Values (N,).

        Raises:
            InvalidValueError: the layer has fewer channels, fewer positions, or no positions.
        """
        found = _channel(features, self.layer, self.channel)
        if found.dim() == 1:
            raise InvalidValueError("a position of", self.layer, f"of a layer of maps; {self.layer}:{self.channel}")
        height, width = found.shape[-2:]
        row, column = self.position or (height // 2, width // 2)
        if not (0 <= row < height and 0 <= column < width):
            wanted = f"below {height},{width}, which {self.layer} has for an image of this size"
            raise InvalidValueError("the position", f"{row},{column}", wanted)
        return found[:, row, column]


@dataclass(frozen=True, eq=False)
class Direction(_OfLayer):
    """Mean projection of the features at all positions on a direction of length 1.

    With a power, the projection is multiplied by that power of the cosine similarity, clamped to at least 0.1 (same as
    lucid's `direction` with `cossim_pow`): features that also have other directions then count less.

    Attributes:
        layer: name of the features.
        weights: channel -> component of the direction; 0 for all other channels.
        cosine_power: exponent of the cosine; 0 uses only the projection.
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
    """Mean square of all features of a layer, which amplifies them (Mordvintsev, Olah and Tyka 2015)."""

    def __call__(self, features: Features) -> Tensor:
        """Values (N,)."""
        return features[self.layer].square().flatten(1).mean(1)


@dataclass(frozen=True, eq=False)
class Closeness(_OfLayer):
    """Minus the relative distance to given features, ||R(x) - r|| / ||r|| (Engstrom et al. 2019, equation 3).

    Attributes:
        layer: name of the features.
        target: r, (1, ...) of the shape of the features of one image.
    """

    target: Tensor

    def __call__(self, features: Features) -> Tensor:
        """Values (N,), at most 0."""
        difference = (features[self.layer] - self.target).flatten(1)
        distance: Tensor = torch.linalg.vector_norm(difference, dim=1) / torch.linalg.vector_norm(self.target)
        return -distance


def _over_places(values: Tensor) -> Tensor:
    """Mean of (N, H, W) over all positions; (N,) is returned unchanged."""
    return values if values.dim() == 1 else values.flatten(1).mean(1)


def _channel(features: Features, layer: str, channel: int) -> Tensor:
    """One channel: (N, H, W), or (N,) for a layer without positions."""
    found = features[layer]
    if not 0 <= channel < found.shape[1]:
        raise InvalidValueError("the channel", f"{layer}:{channel}", f"below {found.shape[1]}, which {layer} has")
    return found[:, channel]
