"""Temporal consistency: an objective that suppresses flicker in a sequence of frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnst.losses.objective import Objective
from rnst.losses.statistics import Window

_STILL = 0.03  # root mean square difference of two photos at a pixel, above which the pixel has changed
_FOLLOWED = 0.1  # the same of a photo that was warped, whose finest detail the resampling has changed


class TemporalObjective(nn.Module):
    """An objective plus the distance to the last stylized frame where the photo did not change.

    The distance is the mean over all positions of the squared difference, weighted by exp(-(d / 0.03)^2), where d is
    the root mean square change of the photo at the position. Where the last frame was warped by the optical flow
    (Ruder et al. 2016, "Artistic style transfer for videos", equation 8), occluded positions have weight 0, and 0.1
    takes the place of 0.03.

    Args:
        objective: of this frame.
        stylized: last stylized frame, (1, 3, H, W) in [0, 1]; warped, if there is a flow.
        photos: last frame, warped likewise, and this one before stylization, (1, 3, H, W) each.
        weight: of the distance.
        visible: (1, 1, H, W) in [0, 1], where the flow can be trusted; None means that nothing was warped.
    """

    stylized: Tensor
    still: Tensor

    def __init__(
        self,
        objective: Objective,
        stylized: Tensor,
        photos: tuple[Tensor, Tensor],
        weight: float,
        visible: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.objective = objective
        self.weight = weight
        change = (photos[0] - photos[1]).square().mean(1, keepdim=True)
        still = torch.exp(-change / (_STILL if visible is None else _FOLLOWED) ** 2)
        self.register_buffer("stylized", stylized.detach(), persistent=False)
        self.register_buffer("still", still if visible is None else still * visible, persistent=False)

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
