"""Synthetic pictures whose order is known: a style, another sample of it, a photo, and what lies between."""

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab
from skimage.filters import gaussian
from torch import Tensor
from torch.nn import functional as F

SIDE = 160


@pytest.fixture(scope="session")
def pictures() -> dict[str, Tensor]:
    """All (1, 3, SIDE, SIDE) in [0, 1], by name.

    style: strokes along a diagonal in four colors.
    sample: another piece of the same canvas.
    painted: the sample with the light and shade of the photo.
    recolored: the photo with the style's mean and deviation of color (Reinhard et al. 2001).
    photo: soft shapes in other colors.
    shuffled: the style's pixels in random order.
    """
    generator = torch.Generator().manual_seed(7)
    canvas = _strokes(generator, SIDE, 2 * SIDE)
    style, sample = canvas[..., :SIDE], canvas[..., SIDE:]
    photo = _photo(generator)
    shade = photo.mean(dim=1, keepdim=True)
    order = torch.randperm(SIDE**2, generator=generator)
    return {
        "style": style,
        "sample": sample,
        "painted": (sample * (0.8 + 0.2 * (shade - shade.mean()) / shade.std())).clamp(0.0, 1.0),
        "recolored": _recolored(photo, style),
        "photo": photo,
        "shuffled": style.flatten(2)[..., order].view(style.shape),
    }


def _strokes(generator: torch.Generator, height: int, width: int) -> Tensor:
    noise = torch.randn((1, 1, height + 30, width + 30), generator=generator)
    field = F.conv2d(noise, torch.eye(31).view(1, 1, 31, 31) / 31**0.5)  # along a diagonal, 31 px long
    field = torch.from_numpy(gaussian(field[0, 0].numpy(), 1.0))  # type: ignore[no-untyped-call]  # so it ships
    palette = torch.tensor([[0.15, 0.20, 0.35], [0.30, 0.45, 0.60], [0.80, 0.70, 0.40], [0.90, 0.88, 0.80]])
    level = (field.flatten().argsort().argsort() * 4 // field.numel()).view(height, width)
    return palette[level].permute(2, 0, 1)[None].contiguous()


def _photo(generator: torch.Generator) -> Tensor:
    noise = torch.randn((3, SIDE, SIDE), generator=generator).numpy()
    soft = [gaussian(plane, sigma) for plane, sigma in zip(noise, (12, 6, 20), strict=True)]  # type: ignore[no-untyped-call]  # so it ships
    light, detail, tint = (plane / plane.std() for plane in soft)
    channels = [0.50 + 0.10 * light, 0.45 + 0.10 * light + 0.03 * detail, 0.35 + 0.08 * light + 0.03 * tint]
    grain = 0.01 * torch.randn((1, 3, SIDE, SIDE), generator=generator)
    return (torch.from_numpy(np.stack(channels))[None].float() + grain).clamp(0.0, 1.0)


def _recolored(photo: Tensor, style: Tensor) -> Tensor:
    own, wanted = (rgb2lab(image[0].permute(1, 2, 0).double().numpy()) for image in (photo, style))
    axes = (0, 1)
    moved = (own - own.mean(axes)) / own.std(axes) * wanted.std(axes) + wanted.mean(axes)
    moved[..., 0] = moved[..., 0].clip(20.0, 100.0)  # in black there is no room for color
    return torch.from_numpy(lab2rgb(moved).clip(0.0, 1.0)).permute(2, 0, 1)[None].float()
