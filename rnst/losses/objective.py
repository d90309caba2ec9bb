"""The weighted, named sum of losses that a picture minimizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from rnst.losses.regularizers import total_variation


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
        parts = {
            "style": _mean(self._style, self.style_layers, features, image),
            "content": _mean(self._content, self.content_layers, features, image),
            "total_variation": total_variation(image),
        }
        weights = self.weights
        total = weights.style * parts["style"] + weights.content * parts["content"]
        return {"total": total + weights.total_variation * parts["total_variation"], **parts}


def _mean(losses: nn.ModuleList, layers: Sequence[str], features: Mapping[str, Tensor], image: Tensor) -> Tensor:
    """Mean of the losses of one part; 0 where there are none."""
    total = image.new_zeros(())
    for loss, layer in zip(losses, layers, strict=True):
        total = total + loss(features[layer]) / len(layers)
    return total
