"""Masks: gray pictures for strengths, colored pictures for regions."""

from collections.abc import Sequence

import torch
from torch import Tensor

_COLORFUL = 0.25  # difference of channels above which a pixel is colored, not gray
_ENOUGH = 0.001  # share of pixels above which a picture is colored, or a color is a region

# Eight colors: each channel is below or above one half, a threshold that edges and JPEG artifacts rarely cross.
COLORS = {
    "black": (0, 0, 0),
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "magenta": (1, 0, 1),
    "cyan": (0, 1, 1),
    "white": (1, 1, 1),
}


def is_colored(mask: Tensor) -> bool:
    """Whether a mask (1, 3, H, W) in [0, 1] marks regions by colors; a gray mask gives strengths."""
    spread = mask.amax(1) - mask.amin(1)
    return bool((spread > _COLORFUL).float().mean() > _ENOUGH)


def strength(mask: Tensor) -> Tensor:
    """A gray mask (1, 3, H, W) as (1, 1, H, W) in [0, 1]: white is 1."""
    return mask.mean(1, keepdim=True)


def color_regions(mask: Tensor) -> dict[str, Tensor]:
    """Name of a color -> (1, 1, H, W), 1 where the colored mask (1, 3, H, W) has the color, else 0."""
    bits = mask > 0.5  # noqa: PLR2004 - the middle
    regions = {}
    for name, color in COLORS.items():
        same = (bits == torch.tensor(color, dtype=torch.bool).view(1, 3, 1, 1)).all(1, keepdim=True).float()
        if same.mean() > _ENOUGH:
            regions[name] = same
    return regions


def sharing(masks: Sequence[Tensor]) -> list[Tensor]:
    """Masks (1, 1, H, W) of one size, scaled down where they overlap, so that their sum is at most 1."""
    total = torch.stack(list(masks)).sum(0).clamp_min(1.0)
    return [mask / total for mask in masks]


def rest(masks: Sequence[Tensor]) -> Tensor:
    """1 minus the sum of masks (1, 1, H, W) of one size, clamped to [0, 1]."""
    return (1.0 - torch.stack(list(masks)).sum(0)).clamp(0.0, 1.0)
