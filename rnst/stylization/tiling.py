"""A painting in tiles: what the settings allow, and targets as large as the picture only while they are needed."""

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from rnst.encoders.encoder import Encoder
from rnst.errors import InvalidValueError
from rnst.image.transforms import Transform
from rnst.optimization.tiling import Limits, Tiling
from rnst.stylization.settings import StylizationSettings

Objective = Callable[[Mapping[str, Tensor], Tensor], dict[str, Tensor]]


def tiling_of_picture(settings: StylizationSettings, encoder: Encoder) -> Tiling:
    """How the picture is cut."""
    history = settings.history if settings.optimizer == "lbfgs" else 0
    limits = Limits(settings.tile, settings.memory, settings.devices, history)
    targets = [*(settings.content_layers or ())] * settings.shifts_per_step  # each view of a step has its own
    return Tiling(encoder, limits, _device(), _precision(settings), targets)


def tiling_of_styles(settings: StylizationSettings, encoder: Encoder) -> Tiling:
    """How a painting is cut; each device looks at all of it."""
    return Tiling(encoder, Limits(settings.tile, settings.memory), _device(), _precision(settings))


def is_tiled(settings: StylizationSettings, tiling: Tiling, sizes: Iterable[tuple[int, int]]) -> bool:
    """Whether pictures of these sizes are computed in tiles.

    Raises:
        InvalidValueError: a setting needs the whole picture at once.
    """
    cut = tiling.is_tiled(max(sizes, key=math.prod))
    if cut and settings.normalize_gradients:
        raise InvalidValueError(
            "--normalize_gradients", settings.normalize_gradients, "false for a picture in tiles (or add --tile 0)"
        )
    return cut


def check_tiling(settings: StylizationSettings, encoder: Encoder, size: tuple[int, int]) -> None:
    """Refuse tiles that cannot be, before anything is written.

    Args:
        settings: of the picture.
        encoder: of those settings.
        size: height and width that it will have; the margin is painted, too.

    Raises:
        RnstError: a child of it, as of `Tiling.grid` and `is_tiled`.
    """
    encoder.to(_device())
    height, width = (side + 2 * settings.margin for side in size)
    is_tiled(settings, tiling_of_picture(settings, encoder), [(height, width)])


class TargetCache:
    """Objectives that are measured when their turn comes, and forgotten when that of another does.

    Args:
        measure: transform of a view to the objective.
        together: how many have their turn at the same time.
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


def _precision(settings: StylizationSettings) -> torch.dtype:
    return torch.bfloat16 if settings.precision == "bf16" else torch.float32


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
