"""Regions that were drawn with a brush: one color for each painting, read as the masks of `--content_mask`."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnst.errors import RnstError
from rnst.image.files import write_image

COLORS = ("#e6194b", "#2f6bff", "#f5b301", "#12a150")
"""Of the brush, for the first painting, the second, ..."""
NAMES = ("red", "blue", "yellow", "green")
_ENOUGH = 0.0005  # share of the photo below which a color counts as a slip of the hand
_VISIBLE = 255.0

Layer = np.ndarray[Any, np.dtype[np.uint8]]


class NoPlaceError(RnstError):
    """A painting has no region left."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"painting {number} has no place: other colors cover the photo. Draw in {NAMES[number - 1]}, or remove it"
        )


def regions(layers: Sequence[Layer], paintings: int) -> list[Tensor]:
    """Masks of the paintings, (1, 1, H, W) in [0, 1]; none where nothing was drawn.

    A painting goes where its color was drawn. Paintings whose color was not drawn share the rest; where every color was
    drawn, the rest stays the photo.

    Args:
        layers: (H, W, 4) each, red, green, blue and opacity.
        paintings: how many there are.

    Raises:
        NoPlaceError: a painting without a color has no rest to go to.
    """
    drawn = _drawn(layers, paintings)
    if drawn is None:
        return []
    used = drawn.mean((1, 2)) > _ENOUGH
    if not bool(used.any()):
        return []
    drawn = drawn * used[:, None, None]
    rest = (1.0 - drawn.sum(0)).clamp(0.0, 1.0)
    if not bool(used.all()) and float(rest.mean()) <= _ENOUGH:
        raise NoPlaceError(int((~used).nonzero()[0]) + 1)
    return [(drawn[number] if bool(used[number]) else rest)[None, None] for number in range(paintings)]


def write_masks(masks: Sequence[Tensor], folder: Path) -> list[Path]:
    """Write masks (1, 1, H, W) in [0, 1] as pictures named by their content."""
    paths = []
    for mask in masks:
        known = hashlib.sha256(mask.numpy().tobytes() + str(tuple(mask.shape)).encode()).hexdigest()[:12]
        path = folder / f"mask-{known}.png"
        if not path.is_file():
            write_image(mask.expand(1, 3, -1, -1), path)
        paths.append(path)
    return paths


def _drawn(layers: Sequence[Layer], paintings: int) -> Tensor | None:
    """Opacity (paintings, H, W) in [0, 1] of each color; None without layers. Later layers cover earlier ones."""
    colors = torch.tensor([[int(color[place : place + 2], 16) for place in (1, 3, 5)] for color in COLORS[:paintings]])
    found: Tensor | None = None
    for layer in layers:
        pixels = torch.from_numpy(np.ascontiguousarray(layer)).float()
        opacity = pixels[..., 3] / _VISIBLE
        nearest = (pixels[..., None, :3] - colors).square().sum(-1).argmin(-1)
        drawn = torch.stack([(nearest == number) * opacity for number in range(paintings)])
        found = drawn if found is None else found * (1.0 - opacity) + drawn
    return found
