"""Synthetic pictures whose order is known: a style, another sample of it, a photo, and what lies between."""

import numpy as np
import pytest
import torch
from skimage.filters import gaussian
from torch import Tensor
from torch.nn import functional as F

SIDE = 192
_STROKE = 15  # px
_PALETTE = ((0.15, 0.20, 0.35), (0.30, 0.45, 0.60), (0.80, 0.70, 0.40), (0.90, 0.88, 0.80))


@pytest.fixture(scope="session")
def pictures() -> dict[str, Tensor]:
    """All (1, 3, SIDE, SIDE) in [0, 1], by name; left and right, top and bottom fit together without a seam.

    style: strokes along a diagonal in four colors.
    sample: other strokes of the same kind.
    stylized: the sample with the light and shade of the photo.
    recolored: the photo with the mean and the deviation of each color channel of the style.
    photo: shapes with soft edges in other colors.
    shuffled: the style's pixels in random order.
    """
    generator = torch.Generator().manual_seed(7)
    style, sample, photo = _strokes(generator), _strokes(generator), _photo(generator)
    shade = photo.mean(dim=1, keepdim=True)
    order = torch.randperm(SIDE**2, generator=generator)
    return {
        "style": style,
        "sample": sample,
        "stylized": (sample * (1.0 + 0.2 * (shade - shade.mean()) / shade.std())).clamp(0.0, 1.0),
        "recolored": _recolored(photo, style),
        "photo": photo,
        "shuffled": style.flatten(2)[..., order].view(style.shape),
    }


def _strokes(generator: torch.Generator) -> Tensor:
    noise = torch.randn((1, 1, SIDE, SIDE), generator=generator)
    around = F.pad(noise, [_STROKE // 2] * 4, mode="circular")
    field = F.conv2d(around, torch.eye(_STROKE).view(1, 1, _STROKE, _STROKE))
    level = _blurred(field[0, 0], 1.0).flatten().argsort().argsort() * len(_PALETTE) // SIDE**2
    return torch.tensor(_PALETTE)[level].view(SIDE, SIDE, 3).permute(2, 0, 1)[None].contiguous()


def _photo(generator: torch.Generator) -> Tensor:
    noise = torch.randn((3, SIDE, SIDE), generator=generator)
    light, detail, tint = (_blurred(plane, sigma) for plane, sigma in zip(noise, (12.0, 6.0, 20.0), strict=True))
    light = torch.tanh(5.0 * light)
    channels = [0.50 + 0.15 * light, 0.45 + 0.15 * light + 0.03 * detail, 0.35 + 0.10 * light + 0.03 * tint]
    grain = 0.01 * torch.randn((3, SIDE, SIDE), generator=generator)
    return (torch.stack(channels) + grain).clamp(0.0, 1.0)[None]


def _blurred(plane: Tensor, sigma: float) -> Tensor:
    """Of deviation 1."""
    soft = gaussian(plane.numpy(), sigma, mode="wrap")  # type: ignore[no-untyped-call]  # so it ships
    return torch.from_numpy(np.asarray(soft / soft.std(), dtype=np.float32))


def _recolored(photo: Tensor, style: Tensor) -> Tensor:
    own_deviation, own_mean = torch.std_mean(photo, dim=(2, 3), keepdim=True)
    deviation, mean = torch.std_mean(style, dim=(2, 3), keepdim=True)
    return ((photo - own_mean) / own_deviation * deviation + mean).clamp(0.0, 1.0)
