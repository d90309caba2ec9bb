"""Differentiable transforms of images."""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

Size = tuple[int, int]

# The robustness stack of lucid (Olah et al. 2017, "Feature visualization"; Mordvintsev et al. 2018).
_PAD = 12
_CROPS = (8, 4)
_SCALES = tuple(1.0 + step / 50.0 for step in range(-5, 6))
_CORNERS = ((0, 0), (1, 1), (0, 1), (1, 0))  # of a square, both corners of a diagonal first
_ANGLES = (*range(-10, 11), *([0] * 5))


class Transform(Protocol):
    """A transform of the image before the network."""

    def __call__(self, image: Tensor) -> Tensor:
        """Transform (N, C, H, W), images or masks."""

    def size(self, size: Size) -> Size:
        """Height and width of the output for an image of `size`."""


class Shift(NamedTuple):
    """Translates an image down and right by repeating its first row and column.

    The strides of the network then have another phase with respect to the image, and nothing is cropped.

    Attributes:
        rows: 0 or more.
        columns: 0 or more.
    """

    rows: int = 0
    columns: int = 0

    def __call__(self, image: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H + rows, W + columns)."""
        if self.rows == self.columns == 0:
            return image
        return F.pad(image, (self.columns, 0, self.rows, 0), mode="replicate")

    def size(self, size: Size) -> Size:
        """Height and width of the output for an image of `size`."""
        return size[0] + self.rows, size[1] + self.columns


@dataclass(frozen=True)
class Placement:
    """Pads an image, jitters, scales, rotates around the center, and jitters again.

    Random placements suppress patterns that excite the network at one position only. All five steps are one bilinear
    sampling, so that the image is blurred once. Padding repeats the border by default. lucid pads with gray, but style
    statistics should not contain a gray frame. An image that maximizes an activation needs the gray frame: its
    outermost pixels would otherwise count a dozen times.

    Attributes:
        pad: pixels of padding on each side.
        crops: pixels by which height and width shrink, before scaling and after rotation.
        corners: first kept row and column of both crops, 0 to the size of the crop.
        scale: factor of height and width.
        angle: degrees, clockwise.
        outside: value of the padding, in [0, 1]; None repeats the border.
    """

    pad: int = 0
    crops: tuple[int, int] = (0, 0)
    corners: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    scale: float = 1.0
    angle: float = 0.0
    outside: float | None = None

    def __call__(self, image: Tensor) -> Tensor:
        """(N, C, H, W) to the height and width that `size` returns."""
        before = (image.shape[-2], image.shape[-1])
        after = self.size(before)
        grown = [self._grown(side) for side in before]
        # Inverse map of all steps, from the centers of the output pixels to input coordinates.
        rows, columns = (
            torch.arange(after[axis], dtype=torch.float64, device=image.device)
            + 0.5
            + self.corners[1][axis]
            - grown[axis] / 2
            for axis in (0, 1)
        )
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        turned = (
            cosine * rows[:, None] - sine * columns[None, :],
            sine * rows[:, None] + cosine * columns[None, :],
        )
        places = [
            (turned[axis] / grown[axis] + 0.5) * self._framed(side) + self.corners[0][axis] - self.pad
            for axis, side in enumerate(before)
        ]
        ends_at_one = [2.0 * place / side - 1.0 for place, side in zip(places, before, strict=True)]
        grid = torch.stack(ends_at_one[::-1], dim=-1).to(image.dtype).expand(len(image), -1, -1, -1)
        if self.outside is None:
            return F.grid_sample(image, grid, padding_mode="border", align_corners=False)
        return F.grid_sample(image - self.outside, grid, padding_mode="zeros", align_corners=False) + self.outside

    def size(self, size: Size) -> Size:
        """Height and width of the output for an image of `size`."""
        height, width = (max(1, self._grown(side) - self.crops[1]) for side in size)
        return height, width

    def _framed(self, side: int) -> int:
        return max(1, side + 2 * self.pad - self.crops[0])

    def _grown(self, side: int) -> int:
        return max(1, round(self._framed(side) * self.scale))


def draw_shifts(count: int, period: int, seed: int) -> list[Shift]:
    """Shifts below `period`: first a shift of 0, then random ones.

    Args:
        count: number of shifts.
        period: stride of the deepest layer in pixels, at which shifts repeat.
        seed: of the random shifts.
    """
    drawn = torch.randint(period, (count - 1, 2), generator=torch.Generator().manual_seed(seed))
    return [Shift(), *(Shift(int(rows), int(columns)) for rows, columns in drawn)]


def shifts_around(shift: Shift, count: int) -> list[Shift]:
    """A shift and its neighbors, ordered so that the mean over the first few already cancels stride patterns.

    Two shifts lie on a diagonal, four are all positions within two pixels, sixteen all positions within four. Each
    pixel then has every phase of a stride of two, or of four, equally often (as in Bayer's ordered dither, with the
    small steps first).

    Args:
        shift: the first shift.
        count: number of shifts.
    """
    shifts = []
    for number in range(count):
        rows, columns, step, rest = shift.rows, shift.columns, 1, number
        while rest:
            rest, corner = divmod(rest, len(_CORNERS))
            rows, columns = rows + step * _CORNERS[corner][0], columns + step * _CORNERS[corner][1]
            step *= 2
        shifts.append(Shift(rows, columns))
    return shifts


def draw_placements(count: int, seed: int, outside: float | None = None) -> list[Placement]:
    """Random placements, with lucid's constants.

    Args:
        count: number of placements.
        seed: of the placements; a larger `count` starts with the same ones.
        outside: see `Placement`.
    """
    generator = torch.Generator().manual_seed(seed)

    def below(end: int) -> int:
        return int(torch.randint(end, (), generator=generator))

    def corner(crop: int) -> tuple[int, int]:
        return below(crop + 1), below(crop + 1)

    return [
        Placement(
            _PAD,
            _CROPS,
            (corner(_CROPS[0]), corner(_CROPS[1])),
            _SCALES[below(len(_SCALES))],
            float(_ANGLES[below(len(_ANGLES))]),
            outside,
        )
        for _ in range(count)
    ]
