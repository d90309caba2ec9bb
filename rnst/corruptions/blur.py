"""Blur of lenses and of motion. All pictures are (C, H, W) float32 in [0, 1]."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

_TRUNCATED = 4  # standard deviations at which a Gaussian is cut off
_SMALL_CANVAS = 8  # half of the side on which the published program draws a disk of at most this radius
_STEEPEST = 45.0  # largest angle of camera shake against the horizontal, in degrees


def gaussian_blur(picture: Tensor, sigma: float) -> Tensor:
    """Convolve with a Gaussian of `sigma` pixels."""
    reach = math.ceil(_TRUNCATED * sigma)
    blurred: Tensor = v2.functional.gaussian_blur(picture, [2 * reach + 1] * 2, [sigma] * 2)
    return blurred


def defocus_blur(picture: Tensor, draw: Generator, radius: float, softness: float) -> Tensor:  # noqa: ARG001
    """Convolve with a disk of `radius` pixels, whose edge is softened by a Gaussian of `softness` pixels."""
    half = max(_SMALL_CANVAS, int(radius))
    line = torch.arange(-half, half + 1.0)
    disk = (line**2 + line[:, None] ** 2 <= radius**2).float()
    taps = 3 if half == _SMALL_CANVAS else 5
    softened = v2.functional.gaussian_blur(disk[None], [taps, taps], [softness, softness])
    kernel = (softened / softened.sum()).expand(len(picture), 1, -1, -1)
    padded = F.pad(picture[None], (half, half, half, half), mode="reflect")
    return F.conv2d(padded, kernel, groups=len(picture))[0]


def glass_blur(picture: Tensor, draw: Generator, sigma: float, reach: float, rounds: float) -> Tensor:
    """Frosted glass: blur a little, replace each pixel by a random neighbor, blur again.

    The published program intends to exchange the two pixels, but exchanges views of one array: the second write has
    no effect, and the neighbor keeps its color. Published results were computed this way, so we do the same.

    Args:
        picture: (3, H, W).
        draw: generator that chooses the neighbors.
        sigma: of the Gaussian before and after, in pixels.
        reach: largest distance of a neighbor along each axis, in pixels.
        rounds: number of replacements of each pixel.
    """
    (_, height, width), far = picture.shape, int(reach)
    rows = torch.arange(height - far, far, -1)
    columns = torch.arange(width - far, far, -1)
    here = (rows[:, None] * width + columns).flatten().repeat(int(rounds))
    shifts = torch.randint(-far, far, (2, len(here)), generator=draw)
    there = here + shifts[0] * width + shifts[1]
    order = list(range(height * width))
    # Each replacement changes the input of the next one, so the loop cannot be vectorized.
    for one, other in zip(here.tolist(), there.tolist(), strict=True):
        order[one] = order[other]
    shuffled = gaussian_blur(picture, sigma).flatten(1)[:, order].view_as(picture)
    return gaussian_blur(shuffled, sigma)


def motion_blur(picture: Tensor, draw: Generator, length: float, sigma: float) -> Tensor:
    """Shake the camera in a random direction, at most 45 degrees against the horizontal; see `translated_mean`."""
    share = torch.rand(1, generator=draw).item()
    return translated_mean(picture, _STEEPEST * (2.0 * share - 1.0), int(length), sigma)


def translated_mean(picture: Tensor, angle: float, length: int, sigma: float) -> Tensor:
    """Mean of translated copies of a picture along a line, weighted by half a Gaussian; borders are replicated.

    Args:
        picture: (C, H, W).
        angle: of the motion, in degrees.
        length: half the number of steps of one pixel; the picture itself is one more copy.
        sigma: of the Gaussian, in pixels.
    """
    steps = 2 * length + 1
    weights = torch.exp(-0.5 * (torch.arange(float(steps)) / sigma) ** 2)
    weights = weights / weights.sum()
    margin = steps
    padded = F.pad(picture[None], (margin, margin, margin, margin), mode="replicate")[0]
    down, across = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    height, width = picture.shape[-2:]
    blurred = torch.zeros_like(picture)
    for step, weight in enumerate(weights.tolist()):
        top, left = margin + math.ceil(step * down - 0.5), margin + math.ceil(step * across - 0.5)
        blurred += weight * padded[:, top : top + height, left : left + width]
    return blurred


def zoom_blur(picture: Tensor, draw: Generator, largest: float, step: float) -> Tensor:  # noqa: ARG001
    """Fast zoom: mean of the picture and of its enlarged center, by factors up to `largest` in steps of `step`."""
    count = math.ceil((largest - 1.0) / step)
    layers = [picture, *(enlarged(picture, 1.0 + step * number) for number in range(count))]
    return torch.stack(layers).mean(0)


def enlarged(picture: Tensor, factor: float) -> Tensor:
    """The center of a picture (C, H, W), enlarged to the picture's size."""
    height, width = picture.shape[-2:]
    seen = v2.functional.center_crop(picture, [math.ceil(height / factor), math.ceil(width / factor)])
    size = [max(side, round(part * factor)) for side, part in zip((height, width), seen.shape[-2:], strict=True)]
    large = F.interpolate(seen[None], size=size, mode="bilinear", align_corners=True)[0]
    middle: Tensor = v2.functional.center_crop(large, [height, width])
    return middle
