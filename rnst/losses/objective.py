"""The weighted, named sum of losses that a picture minimizes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from rnst.losses.regularizers import total_variation
from rnst.losses.statistics import WHOLE, Window


@dataclass(frozen=True)
class Weights:
    """How much each part counts.

    Attributes:
        style: of the mean over style layers.
        content: of the mean over content layers.
        total_variation: of the pixels.
    """

    style: float
    content: float
    total_variation: float = 0.0


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
            "style", "content", "total_variation" (each without its weight) and "total".
        """
        return self.distance(self.statistics(features), image)

    def statistics(self, features: Mapping[str, Tensor], windows: Mapping[str, Window] | None = None) -> list[Any]:
        """What the terms must know of the features; those of all tiles of a picture add up to those of the whole.

        Args:
            features: layer -> (1, C, H, W), of the whole picture or of a tile of it.
            windows: layer -> which of its positions those are; none means all.

        Returns:
            For each term a tensor, or a dataclass of tensors and numbers, to be added field by field.
        """
        windows = windows or {}
        layers = (*self.style_layers, *self.content_layers)
        terms: tuple[Any, ...] = (*self._style, *self._content)
        return [
            term.statistics(features[layer], windows.get(layer, WHOLE))
            for term, layer in zip(terms, layers, strict=True)
        ]

    def distance(self, statistics: Sequence[Any], image: Tensor) -> dict[str, Tensor]:
        """What `forward` returns, from the statistics of the whole picture and the picture itself."""
        style, content = statistics[: len(self._style)], statistics[len(self._style) :]
        parts = {
            "style": _mean(self._style, style, image),
            "content": _mean(self._content, content, image),
            "total_variation": total_variation(image),
        }
        weights = self.weights
        total = weights.style * parts["style"] + weights.content * parts["content"]
        return {"total": total + weights.total_variation * parts["total_variation"], **parts}


def _mean(terms: Iterable[Any], statistics: Sequence[Any], image: Tensor) -> Tensor:
    """Mean of the losses of one part; 0 where there are none."""
    total = image.new_zeros(())
    for term, statistic in zip(terms, statistics, strict=True):
        total = total + term.distance(statistic) / len(statistics)
    return total
