"""Temporal consistency: an objective that suppresses flicker in a sequence of frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnst.losses.objective import Objective
from rnst.losses.statistics import Window

_STILL = 0.03  # root mean square difference of two photos at a pixel, above which the pixel has changed


class TemporalObjective(nn.Module):
    """An objective plus the distance to the last stylized frame where the photo did not change.

    The distance is the mean over all positions of the squared difference, weighted by exp(-(d / 0.03)^2), where d is
    the root mean square change of the photo at the position. Ruder et al. 2016 ("Artistic style transfer for videos",
    equation 8) track moving objects by optical flow; here changed pixels are not constrained.

    Args:
        objective: of this frame.
        stylized: last stylized frame, (1, 3, H, W) in [0, 1].
        photos: last frame and this one before stylization, (1, 3, H, W) each.
        weight: of the distance.
    """

    stylized: Tensor
    still: Tensor

    def __init__(self, objective: Objective, stylized: Tensor, photos: tuple[Tensor, Tensor], weight: float) -> None:
        super().__init__()
        self.objective = objective
        self.weight = weight
        change = (photos[0] - photos[1]).square().mean(1, keepdim=True)
        self.register_buffer("stylized", stylized.detach(), persistent=False)
        self.register_buffer("still", torch.exp(-change / _STILL**2), persistent=False)

    def forward(self, features: Mapping[str, Tensor], image: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the losses also contain "temporal"."""
        return self.distance(self.statistics(features), image)

    def statistics(self, features: Mapping[str, Tensor], windows: Mapping[str, Window] | None = None) -> list[Any]:
        """See `Objective.statistics`."""
        return self.objective.statistics(features, windows)

    def distance(self, statistics: Sequence[Any], image: Tensor) -> dict[str, Tensor]:
        """Same as `forward`, from the statistics of the whole image and the image itself."""
        parts = self.objective.distance(statistics, image)
        temporal = ((image - self.stylized).square() * self.still).mean()
        return {**parts, "total": parts["total"] + self.weight * temporal, "temporal": temporal}
