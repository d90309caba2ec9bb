"""Coarse to fine: the sizes at which a picture is optimized."""

import math
from dataclasses import dataclass

from rnst.image.files import fit_long_side
from rnst.ranges import SMALLEST_SIZE

_SCALE_FACTOR = 2**0.5
_COARSEST = 362  # pixels; coarser ones cost little, but strokes that begin there end up soft
_ROUNDING = 1e-6
_MOST_SCALES = 64  # the coarsest of them would be far below one pixel


@dataclass(frozen=True)
class Scale:
    """One size of a picture that is optimized coarse to fine.

    Attributes:
        size: height and width in pixels.
        steps: optimizer steps.
        first_step: number of its first step, counted over all scales.
        done: steps of it that a run did before it was stopped.
    """

    size: tuple[int, int]
    steps: int
    first_step: int
    done: int = 0


def usual_scales(long_side: int) -> int:
    """How many scales end at a long side in pixels and begin at about the coarsest that is worth it."""
    return 1 + max(0, math.floor(math.log(long_side / _COARSEST, _SCALE_FACTOR) + _ROUNDING))


def plan_scales(size: tuple[int, int], long_side: int, count: int, steps: int) -> list[Scale]:
    """Sizes from coarse to fine; each scale takes the same number of steps.

    Args:
        size: height and width of the content in pixels; its aspect is kept.
        long_side: of the last scale in pixels.
        count: of scales; those that would be tiny are left out.
        steps: optimizer steps of each.
    """
    count = min(count, _MOST_SCALES)
    long_sides = [round(long_side / _SCALE_FACTOR**step) for step in reversed(range(count))]
    long_sides = [side for side in long_sides if side >= min(SMALLEST_SIZE, long_side)]
    sizes = [fit_long_side(size, side) for side in long_sides]
    return [Scale(fitted, steps, steps * index) for index, fitted in enumerate(sizes)]
