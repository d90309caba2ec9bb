"""Frames of a sequence that should not flicker."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnst.losses.objective import Objective
from rnst.losses.statistics import Window

_STILL = 0.03  # root mean square difference of two photos at a pixel, from which on it has moved


class TemporalObjective(nn.Module):
    """An objective, and the distance to the last painted frame wherever the photo stood still.

    The distance is the mean over all positions of the squared difference, weighted by exp(-(d / 0.03)^2), d being how
    much the photo changed there. Ruder et al. 2016 ("Artistic style transfer for videos", equation 8) follow moving
    things by optical flow; here what moves is painted freely.

    Args:
        objective: of this frame.
        painted: last frame as it was painted, (1, 3, H, W) in [0, 1].
        photos: last frame and this one before they were painted, (1, 3, H, W) each.
        weight: of the distance.
    """

    painted: Tensor
    still: Tensor

    def __init__(self, objective: Objective, painted: Tensor, photos: tuple[Tensor, Tensor], weight: float) -> None:
        super().__init__()
        self.objective = objective
        self.weight = weight
        change = (photos[0] - photos[1]).square().mean(1, keepdim=True)
        self.register_buffer("painted", painted.detach(), persistent=False)
        self.register_buffer("still", torch.exp(-change / _STILL**2), persistent=False)

    def forward(self, features: Mapping[str, Tensor], image: Tensor) -> dict[str, Tensor]:
        """As of the objective, with "temporal" among the parts."""
        return self.distance(self.statistics(features), image)

    def statistics(self, features: Mapping[str, Tensor], windows: Mapping[str, Window] | None = None) -> list[Any]:
        """As of the objective."""
        return self.objective.statistics(features, windows)

    def distance(self, statistics: Sequence[Any], image: Tensor) -> dict[str, Tensor]:
        """What `forward` returns, from the statistics of the whole picture and the picture itself."""
        parts = self.objective.distance(statistics, image)
        temporal = ((image - self.painted).square() * self.still).mean()
        return {**parts, "total": parts["total"] + self.weight * temporal, "temporal": temporal}
