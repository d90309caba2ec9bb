"""The weighted sum of named losses that the optimizer minimizes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import Tensor, nn

from rnst.image.periodic import NO_WRAPS, Wraps
from rnst.losses.regularizers import absolute_variation, total_variation
from rnst.losses.statistics import WHOLE, Window

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Weights:
    """Weights of the losses.

    Attributes:
        style: weight of the mean over style layers.
        content: weight of the mean over content layers.
        total_variation: weight of the total variation of the pixels.
        style_layers: layer -> its weight in the mean; 1 for a layer without an entry.
        content_layers: same as `style_layers`.
        absolute_variation: total variation is the sum of absolute differences of pixels in [0, 255].
        wraps: axes along which the total variation continues at the opposite border.
    """

    style: float
    content: float
    total_variation: float = 0.0
    style_layers: Mapping[str, float] = field(default_factory=dict)
    content_layers: Mapping[str, float] = field(default_factory=dict)
    absolute_variation: bool = False
    wraps: Wraps = NO_WRAPS


class Objective(nn.Module):
    """Style, content and total variation of one image.

    Args:
        style: layer -> loss.
        content: layer -> loss.
        weights: of the three parts.
    """

    def __init__(self, style: Mapping[str, nn.Module], content: Mapping[str, nn.Module], weights: Weights) -> None:
        super().__init__()
        self.style_layers = tuple(style)
        self.content_layers = tuple(content)
        self._style = nn.ModuleList(style.values())
        self._content = nn.ModuleList(content.values())
        self.weights = weights

    def forward(self, features: Mapping[str, Tensor], image: Tensor) -> dict[str, Tensor]:
        """Parts and their weighted sum.

        Args:
            features: layer -> (1, C, H, W).
            image: (1, 3, H, W) in [0, 1].

        Returns:
            "style", "content", "total_variation" (each without its weight) and "total"; also the loss of each layer,
            as "style/relu1_1", without a gradient.
        """
        return self.distance(self.statistics(features), image)

    def statistics(self, features: Mapping[str, Tensor], windows: Mapping[str, Window] | None = None) -> list[Any]:
        """Additive statistics of the features, one for each loss: sums over tiles equal those of the whole image.

        Args:
            features: layer -> (1, C, H, W), of the whole image or of one tile.
            windows: layer -> rows and columns that the features cover; None means all.

        Returns:
            For each loss a tensor, or a dataclass of tensors and numbers, to be added field by field.
        """
        windows = windows or {}
        layers = (*self.style_layers, *self.content_layers)
        terms: tuple[Any, ...] = (*self._style, *self._content)
        return [
            term.statistics(features[layer], windows.get(layer, WHOLE))
            for term, layer in zip(terms, layers, strict=True)
        ]

    def distance(self, statistics: Sequence[Any], image: Tensor) -> dict[str, Tensor]:
        """Same as `forward`, from the statistics of the whole image and the image itself."""
        style, content = statistics[: len(self._style)], statistics[len(self._style) :]
        weights = self.weights
        of_style = [weights.style_layers.get(layer, 1.0) for layer in self.style_layers]
        of_content = [weights.content_layers.get(layer, 1.0) for layer in self.content_layers]
        variation = absolute_variation if weights.absolute_variation else total_variation
        style_losses, content_losses = _distances(self._style, style), _distances(self._content, content)
        parts = {
            "style": _mean(style_losses, of_style, image),
            "content": _mean(content_losses, of_content, image),
            "total_variation": variation(image, weights.wraps),
        }
        total = weights.style * parts["style"] + weights.content * parts["content"]
        return {
            "total": total + weights.total_variation * parts["total_variation"],
            **parts,
            **_by_layer("style", self.style_layers, style_losses),
            **_by_layer("content", self.content_layers, content_losses),
        }


def split_layers(losses: Mapping[str, _Value]) -> tuple[dict[str, _Value], dict[str, _Value]]:
    """The losses of whole parts, and those of single layers, as "style/relu1_1"."""
    parts = {name: value for name, value in losses.items() if "/" not in name}
    return parts, {name: value for name, value in losses.items() if "/" in name}


def _distances(terms: Iterable[Any], statistics: Sequence[Any]) -> list[Tensor]:
    return [term.distance(statistic) for term, statistic in zip(terms, statistics, strict=True)]


def _mean(losses: Sequence[Tensor], weights: Sequence[float], image: Tensor) -> Tensor:
    """Mean of the weighted losses of one part; 0 without losses."""
    total = image.new_zeros(())
    for loss, weight in zip(losses, weights, strict=True):
        total = total + (weight / len(losses)) * loss
    return total


def _by_layer(part: str, layers: Sequence[str], losses: Sequence[Tensor]) -> dict[str, Tensor]:
    return {f"{part}/{layer}": loss.detach() for layer, loss in zip(layers, losses, strict=True)}
