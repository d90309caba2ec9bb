"""Differentiable transforms of images."""

import torch
from torch import Tensor
from torch.nn import functional as F

Offset = tuple[int, int]


def shift(image: Tensor, offset: Offset) -> Tensor:
    """Move a picture down and right by repeating its first row and column.

    The network's grid of strides so meets the picture at another place, and nothing is cut off.

    Args:
        image: (N, 3, H, W).
        offset: rows and columns, 0 or more.

    Returns:
        (N, 3, H + rows, W + columns).
    """
    rows, columns = offset
    if rows == columns == 0:
        return image
    return F.pad(image, (columns, 0, rows, 0), mode="replicate")


def draw_offsets(count: int, period: int, seed: int) -> list[Offset]:
    """Offsets below `period`: first none at all, then random ones.

    Args:
        count: how many.
        period: stride of the deepest layer in pixels; offsets repeat beyond it.
        seed: the same seed gives the same offsets.
    """
    drawn = torch.randint(period, (count - 1, 2), generator=torch.Generator().manual_seed(seed))
    return [(0, 0), *((int(rows), int(columns)) for rows, columns in drawn)]
