"""Pictures that repeat: padding, resampling and shifts that continue at the opposite border."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from rnst.image.transforms import Shift, Size

Wraps = tuple[bool, bool]
"""Whether rows (along y) and columns (along x) continue at the opposite border."""

NO_WRAPS: Wraps = (False, False)
_REACH = 4  # pixels of the smaller picture that a bicubic or Lanczos filter reaches, and one more
_AXES = (-2, -1)


def wraps_of(seamless: str) -> Wraps:
    """Axes of a setting: none, x, y or both."""
    return seamless in {"y", "both"}, seamless in {"x", "both"}


def wrapped(features: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Extend (N, C, H, W) along one axis by what lies at the opposite border.

    Args:
        features: a picture or features that repeat along the axis.
        axis: -2 or -1.
        before: positions to add before the first one.
        after: positions to add after the last one.
    """
    size = features.shape[axis]
    if before == after == 0:
        return features
    if max(before, after) > size:  # a window of more than one period
        places = torch.arange(-before, size + after, device=features.device) % size
        return features.index_select(axis, places)
    # Unlike the circular mode of F.pad, this keeps the memory format, which convolutions would restore by a copy.
    parts = features.narrow(axis, size - before, before), features, features.narrow(axis, 0, after)
    return torch.cat([part for part in parts if part.shape[axis]], axis)


def resampled(image: Tensor, size: Size, wraps: Wraps, resample: Callable[[Tensor, Size], Tensor]) -> Tensor:
    """Resample a picture so that its filter continues at the opposite border.

    Args:
        image: (1, C, H, W).
        size: height and width of the result.
        wraps: axes along which the picture repeats.
        resample: `resize` or `reduced` of `rnst.image.files`.
    """
    before = image.shape[-2], image.shape[-1]
    if before == size or not any(wraps):
        return resample(image, size)
    more = [_whole(old, new) if wrap else (0, 0) for old, new, wrap in zip(before, size, wraps, strict=True)]
    for axis, (pad, _) in zip(_AXES, more, strict=True):
        image = wrapped(image, axis, pad, pad)
    larger = resample(image, (size[0] + 2 * more[0][1], size[1] + 2 * more[1][1]))
    for axis, (_, pad), side in zip(_AXES, more, size, strict=True):
        larger = larger.narrow(axis, pad, side)
    return larger


def _whole(old: int, new: int) -> Size:
    """Padding before and after resampling in the same proportion as the sides, both whole, larger than the filter."""
    common = math.gcd(old, new)
    steps = math.ceil(_REACH * max(1.0, old / new) * common / old)
    return steps * old // common, steps * new // common


class Roll(NamedTuple):
    """Translates an image down and right: circularly where it repeats, elsewhere as `Shift`.

    Attributes:
        rows: 0 or more.
        columns: 0 or more.
        wraps: axes along which the image repeats.
    """

    rows: int
    columns: int
    wraps: Wraps

    def __call__(self, image: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'), see `size`."""
        for axis, steps, wrap in zip(_AXES, (self.rows, self.columns), self.wraps, strict=True):
            image = image.roll(steps, axis) if wrap else image
        return self._shift(image)

    def size(self, size: Size) -> Size:
        """Height and width of the output for an image of `size`."""
        return self._shift.size(size)

    @property
    def _shift(self) -> Shift:
        """The part along axes that do not repeat."""
        return Shift(*(0 if wrap else steps for steps, wrap in zip(self[:2], self.wraps, strict=True)))
