"""Corruptions by image processing. All pictures are (3, H, W) float32 in [0, 1]."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

_SMOOTHNESS = 0.01  # sigma of a displacement field, as a share of the side
_DISPLACEMENT = 0.005  # amplitude of a field before smoothing and amplification, as a share of the height
_WHITE = 255.0


def contrast(picture: Tensor, draw: Generator, kept: float) -> Tensor:  # noqa: ARG001
    """Scale every color towards its mean over the picture; `kept` is the share of the contrast that remains."""
    means = picture.mean((-2, -1), keepdim=True)
    return means + kept * (picture - means)


def elastic_transform(picture: Tensor, draw: Generator, strength: float) -> Tensor:
    """Displace pixels along a smooth random field (Simard et al. 2003, section 2); borders are mirrored.

    Args:
        picture: (3, H, W).
        draw: generator of the field.
        strength: amplification of the smoothed field.
    """
    height, width = picture.shape[-2:]
    sigmas = [_SMOOTHNESS * width, _SMOOTHNESS * height]
    window = [2 * round(3 * sigma) + 1 for sigma in sigmas]
    field = _DISPLACEMENT * height * (2.0 * torch.rand(2, height, width, generator=draw) - 1.0)
    across, down = strength * v2.functional.gaussian_blur(field, window, sigmas)
    rows, columns = torch.arange(height)[:, None] + down, torch.arange(width) + across
    # Positions from -1 to 1 between the centers of the outermost pixels.
    grid = torch.stack((2.0 * columns / max(1, width - 1) - 1.0, 2.0 * rows / max(1, height - 1) - 1.0), -1)
    return F.grid_sample(picture[None], grid[None], padding_mode="reflection", align_corners=True)[0]


def pixelate(picture: Tensor, draw: Generator, share: float) -> Tensor:  # noqa: ARG001
    """Downsample the picture to `share` of its size, then upsample by nearest neighbor."""
    height, width = picture.shape[-2:]
    small = _boxes(height, share) @ picture @ _boxes(width, share).T
    return F.interpolate(small[None], size=(height, width), mode="nearest-exact")[0]


def _boxes(pixels: int, share: float) -> Tensor:
    """Box averages that reduce a line of pixels, (fewer, pixels): a box averages the pixels with their center in it."""
    fewer = max(1, int(pixels * share))
    middles = (torch.arange(fewer) + 0.5)[:, None] * (pixels / fewer)
    members = ((torch.arange(pixels) + 0.5 - middles).abs() <= 0.5 * pixels / fewer).float()
    return members / members.sum(1, keepdim=True)


def jpeg_compression(picture: Tensor, draw: Generator, quality: float) -> Tensor:  # noqa: ARG001
    """Compress the picture as JPEG of this quality, and decode it."""
    stored = (picture.clamp(0.0, 1.0) * _WHITE).round().to(torch.uint8)
    read: Tensor = v2.functional.jpeg(stored, int(quality))
    return read.float() / _WHITE
