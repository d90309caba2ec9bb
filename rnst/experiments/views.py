"""How the network sees a picture in turn, and what is asked of it each time."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder
from rnst.experiments.cutting import Turns, is_cut
from rnst.experiments.scales import Scale
from rnst.experiments.scene import Scene
from rnst.experiments.stylization_settings import StylizationSettings
from rnst.experiments.targets import StyleTargets, content_losses, even_pull, regional, weighted
from rnst.image.io import resize
from rnst.image.transforms import Shift, Transform, draw_placements, draw_shifts
from rnst.losses.objective import Objective
from rnst.losses.temporal import TemporalObjective
from rnst.optimization.tiling import Tiling
from rnst.tasks.image_optimization import STEPS_OF_A_VIEW, View

MARGIN = 16  # pixels painted around the picture and cut off: the network's zero padding leaves a noisy frame
_STRIDE_PERIOD = 32  # stride of the deepest layer of a ResNet; a VGG's divides it
_STRAIGHT = Shift()


def steps_of_a_view(settings: StylizationSettings) -> int:
    """Steps before the next view; L-BFGS needs an objective that stands still for some, Adam does not."""
    return 1 if settings.transforms == "robust" and settings.optimizer == "adam" else STEPS_OF_A_VIEW


class Views:
    """Makes the views of a picture.

    Args:
        settings: layers are named.
        encoder: frozen.
        scene: photo, styles and regions.
        targets: of the styles.
        tiling: how the picture is cut.
    """

    def __init__(
        self, settings: StylizationSettings, encoder: Encoder, scene: Scene, targets: StyleTargets, tiling: Tiling
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._scene = scene
        self._targets = targets
        self._tiling = tiling

    @torch.no_grad()
    def of(self, scale: Scale, device: torch.device) -> tuple[list[View], bool]:
        """Measure the targets: the styles once, the content under the transform of each view.

        The last view of a scale is the picture as it stands, for that is how it will be looked at.

        Returns:
            The views, and whether they are computed in tiles; contents are then measured in turn, as they are for
            random placements, of which none comes twice.
        """
        scene, size = self._scene, scale.size
        styles = self._targets.at(max(size))
        content = framed(resize(scene.content.to(device), size))
        masks = None if scene.masks is None else [framed(resize(mask.to(device), size)) for mask in scene.masks]
        turns = self._turns(scale)
        seen_size = (content.shape[-2], content.shape[-1])
        cut = is_cut(self._settings, self._tiling, [transform.size(seen_size) for transform in (_STRAIGHT, *turns)])
        pull: Sequence[dict[str, float]] = ({}, {})

        def objective(transform: Transform) -> nn.Module:
            nonlocal pull
            features = self._tiling.features(transform(content), self._settings.content_layers or ())
            style = styles[0]
            if masks is not None:
                style = regional(styles, [transform(mask) for mask in masks], features)
            losses = content_losses(self._settings, features)
            if self._settings.normalize_gradients and transform == _STRAIGHT:
                pull = even_pull(style, losses, self._encoder(self._halfway(content)))
            found = self._steady(weighted(self._settings, style, losses, pull), size)
            return self._tiling.objective(found, transform.size(seen_size)) if cut else found

        in_turn = Turns(objective)
        straight = View(_STRAIGHT, in_turn.objective(_STRAIGHT) if cut else objective(_STRAIGHT))
        views: dict[Transform, View] = {_STRAIGHT: straight}
        for transform in dict.fromkeys(turns):
            now = not cut and self._settings.transforms == "none"
            views.setdefault(transform, View(transform, objective(transform) if now else in_turn.objective(transform)))
        return [*(views[transform] for transform in turns), straight], cut

    def _turns(self, scale: Scale) -> list[Transform]:
        """Transforms of all views of a scale but the last; scales go on where the last one ended."""
        hold = steps_of_a_view(self._settings)
        first, count = scale.first_step // hold, math.ceil(scale.steps / hold) - 1
        if self._settings.transforms == "robust":
            return [*draw_placements(first + count, self._settings.seed)[first:]]
        shifted = draw_shifts(self._settings.shifts, _STRIDE_PERIOD, self._settings.seed)[1:]
        return [shifted[(first + turn) % len(shifted)] for turn in range(count)] if shifted else []

    def _halfway(self, content: Tensor) -> Tensor:
        """Between photo and painting, where neither has reached its target and both pull."""
        painting = self._scene.regions[0].sources[0].image.to(content.device)
        return (content + resize(painting, (content.shape[-2], content.shape[-1]))) / 2

    def _steady(self, objective: Objective, size: tuple[int, int]) -> Objective | TemporalObjective:
        """Tied to the last frame of a sequence, where there is one."""
        previous, weight = self._scene.previous, self._settings.sequence_weight
        if previous is None or weight == 0:
            return objective
        photo, painted = (framed(resize(picture, size)) for picture in previous)
        return TemporalObjective(objective, painted, (photo, framed(resize(self._scene.content, size))), weight)


def framed(image: Tensor) -> Tensor:
    """Repeat the outermost pixels as a margin."""
    return F.pad(image, (MARGIN,) * 4, mode="replicate")
