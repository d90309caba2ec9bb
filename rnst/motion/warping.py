"""Warping by optical flow, and where a flow can be trusted."""

import torch
from torch import Tensor
from torch.nn import functional as F

# Sundaram et al. 2010, "Dense point trajectories by GPU-accelerated large displacement optical flow", equation 5.
_SHARE, _PIXELS = 0.01, 0.5


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """The image as it is at the ends of the flow: output(p) = image(p + flow(p)), bicubic.

    Args:
        image: (1, C, H, W) in [0, 1].
        flow: (1, 2, H, W) in pixels, right and down.

    Returns:
        (1, C, H, W) in [0, 1]; outside of the image, its border is repeated.
    """
    grid = _normalized(_ends(flow))
    return F.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=False).clamp(0.0, 1.0)


def visible(flow: Tensor, back: Tensor) -> Tensor:
    """Where the flow leads to the same point of the scene: the flow back from there returns.

    A point that is occluded in the other frame, or outside of it, has no such place.

    Args:
        flow: (1, 2, H, W) in pixels, from this frame to the other.
        back: (1, 2, H, W) in pixels, from the other frame to this one.

    Returns:
        (1, 1, H, W), 1 where it does, else 0.
    """
    ends = _ends(flow)
    returned = F.grid_sample(back, _normalized(ends), padding_mode="border", align_corners=False)
    error = (flow + returned).square().sum(1, keepdim=True)
    allowed = _SHARE * (flow.square() + returned.square()).sum(1, keepdim=True) + _PIXELS
    height, width = flow.shape[-2:]
    inside = (ends[:, :1] > -_PIXELS) & (ends[:, :1] < width - _PIXELS)
    inside &= (ends[:, 1:] > -_PIXELS) & (ends[:, 1:] < height - _PIXELS)
    return ((error < allowed) & inside).to(flow)


def _ends(flow: Tensor) -> Tensor:
    """Coordinates (1, 2, H, W), right and down, to which a flow leads."""
    height, width = flow.shape[-2:]
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None].expand(height, width)
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device).expand(height, width)
    return flow + torch.stack([columns, rows])


def _normalized(places: Tensor) -> Tensor:
    """Coordinates (1, 2, H, W) of pixels as `grid_sample` takes them, (1, H, W, 2)."""
    height, width = places.shape[-2:]
    sides = torch.tensor([width, height], dtype=places.dtype, device=places.device).view(1, 2, 1, 1)
    return ((2.0 * places + 1.0) / sides - 1.0).permute(0, 2, 3, 1)
