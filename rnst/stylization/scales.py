"""Coarse to fine: the sizes at which a picture is painted."""

import math
from dataclasses import dataclass

from rnst.image.files import fit_long_side
from rnst.ranges import SMALLEST_SIZE
from rnst.stylization.settings import StylizationSettings

_SCALE_FACTOR = 2**0.5
_COARSEST = 362  # pixels; coarser ones cost little, but strokes that begin there end up soft
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Scale:
    """One size of a picture that is painted coarse to fine.

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


def plan_scales(size: tuple[int, int], settings: StylizationSettings) -> list[Scale]:
    """Sizes from coarse to fine; each scale takes the same number of steps.

    Args:
        size: height and width of the content in pixels; its aspect is kept.
        settings: size, scales and steps.
    """
    scales = settings.scales
    if scales == "auto":
        scales = 1 + max(0, math.floor(math.log(settings.size / _COARSEST, _SCALE_FACTOR) + _ROUNDING))
    long_sides = [round(settings.size / _SCALE_FACTOR**step) for step in reversed(range(scales))]
    long_sides = [side for side in long_sides if side >= min(SMALLEST_SIZE, settings.size)]
    sizes = [fit_long_side(size, long_side) for long_side in long_sides]
    return [Scale(fitted, settings.steps, settings.steps * index) for index, fitted in enumerate(sizes)]
