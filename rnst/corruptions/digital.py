"""What programs do to pictures. All pictures here are (3, H, W) float32 in [0, 1]."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

_SMOOTHNESS = 0.01  # sigma of a displacement field, as a share of the side
_DISPLACEMENT = 0.005  # a field has this share of the height before it is smoothed and amplified
_WHITE = 255.0


def contrast(picture: Tensor, draw: Generator, kept: float) -> Tensor:  # noqa: ARG001
    """Pull every color towards its mean over the picture."""
    means = picture.mean((-2, -1), keepdim=True)
    return means + kept * (picture - means)


def elastic_transform(picture: Tensor, draw: Generator, strength: float) -> Tensor:
    """Move every pixel a little along a smooth random field (Simard et al. 2003, section 2), borders mirrored.

    Args:
        picture: (3, H, W).
        draw: of the field.
        strength: by which the smoothed field is amplified.
    """
    height, width = picture.shape[-2:]
    sigmas = [_SMOOTHNESS * width, _SMOOTHNESS * height]
    window = [2 * round(3 * sigma) + 1 for sigma in sigmas]
    field = _DISPLACEMENT * height * (2.0 * torch.rand(2, height, width, generator=draw) - 1.0)
    across, down = strength * v2.functional.gaussian_blur(field, window, sigmas)
    rows, columns = torch.arange(height)[:, None] + down, torch.arange(width) + across
    # Positions from -1 to 1 between the middles of the outermost pixels.
    grid = torch.stack((2.0 * columns / max(1, width - 1) - 1.0, 2.0 * rows / max(1, height - 1) - 1.0), -1)
    return F.grid_sample(picture[None], grid[None], padding_mode="reflection", align_corners=True)[0]


def pixelate(picture: Tensor, draw: Generator, share: float) -> Tensor:  # noqa: ARG001
    """Reduce the picture to this share of its size, then show its pixels large."""
    height, width = picture.shape[-2:]
    small = _boxes(height, share) @ picture @ _boxes(width, share).T
    return F.interpolate(small[None], size=(height, width), mode="nearest-exact")[0]


def _boxes(pixels: int, share: float) -> Tensor:
    """The means that make fewer pixels of a line: each of those whose middles lie in its box, (fewer, pixels)."""
    fewer = max(1, int(pixels * share))
    middles = (torch.arange(fewer) + 0.5)[:, None] * (pixels / fewer)
    members = ((torch.arange(pixels) + 0.5 - middles).abs() <= 0.5 * pixels / fewer).float()
    return members / members.sum(1, keepdim=True)


def jpeg_compression(picture: Tensor, draw: Generator, quality: float) -> Tensor:  # noqa: ARG001
    """Store the picture as JPEG of this quality, and read it again."""
    stored = (picture.clamp(0.0, 1.0) * _WHITE).round().to(torch.uint8)
    read: Tensor = v2.functional.jpeg(stored, int(quality))
    return read.float() / _WHITE
