"""A picture in tiles, and targets of its size that are kept only while they are needed."""

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from rnst.encoders.encoder import Encoder
from rnst.errors import InvalidValueError
from rnst.image.transforms import Transform
from rnst.optimization.tiling import Limits, Tiling
from rnst.stylization.job import Job
from rnst.stylization.parts import Augmentations, Look

Objective = Callable[[Mapping[str, Tensor], Tensor], dict[str, Tensor]]


def tiling_of_picture(limits: Limits, look: Look, augmentations: Augmentations, encoder: Encoder) -> Tiling:
    """The tiling of the picture."""
    targets = [*look.content_layers] * augmentations.shifts_per_step  # each transform of a step has its own
    return Tiling(encoder, limits, targets)


def is_tiled(look: Look, tiling: Tiling, sizes: Iterable[tuple[int, int]]) -> bool:
    """Whether pictures of these sizes are computed in tiles.

    Raises:
        InvalidValueError: a setting needs the whole picture at once.
    """
    cut = tiling.is_tiled(max(sizes, key=math.prod))
    if cut and look.normalize_gradients:
        raise InvalidValueError(
            "--normalize_gradients", look.normalize_gradients, "false for a picture in tiles (or add --tile 0)"
        )
    return cut


def check_tiling(job: Job, encoder: Encoder, size: tuple[int, int]) -> None:
    """Refuse impossible tiles before anything is written.

    Args:
        job: of the picture.
        encoder: of that job.
        size: height and width at which it will be optimized, without the margin.

    Raises:
        RnstError: see `Tiling.grid` and `is_tiled`.
    """
    encoder.to(job.limits.device)
    height, width = (side + 2 * more for side, more in zip(size, job.parametrization.margins, strict=True))
    is_tiled(job.look, tiling_of_picture(job.limits, job.look, job.augmentations, encoder), [(height, width)])


class TargetCache:
    """Objectives that are measured at the first use of their view, and dropped when later views need the place.

    Args:
        measure: transform of a view to the objective.
        together: number of views in one step, which are kept at the same time.
    """

    def __init__(self, measure: Callable[[Transform], nn.Module], together: int = 1) -> None:
        self._measure = measure
        self._together = together
        self._held: dict[Transform, nn.Module] = {}

    def objective(self, transform: Transform) -> Objective:
        """The objective of a view."""

        def of_this_view(features: Mapping[str, Tensor], image: Tensor) -> dict[str, Tensor]:
            if transform not in self._held:
                if len(self._held) == self._together:
                    self._held.pop(next(iter(self._held)))  # the oldest
                with torch.no_grad():
                    self._held[transform] = self._measure(transform).to(image.device)
            losses: dict[str, Tensor] = self._held[transform](features, image)
            return losses

        return of_this_view
