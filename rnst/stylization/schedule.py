"""The transforms under which the network sees a picture, one after the other, and the objective of each."""

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder
from rnst.image.files import resize
from rnst.image.periodic import Roll, resampled
from rnst.image.transforms import Shift, Size, Transform, draw_placements, draw_shifts, shifts_around
from rnst.losses.objective import Objective
from rnst.losses.temporal import TemporalObjective
from rnst.optimization.tiling import Tiling
from rnst.stylization.image_optimization import AugmentedObjective
from rnst.stylization.inputs import Inputs
from rnst.stylization.parts import Augmentations, Look, Parametrization
from rnst.stylization.scales import Scale
from rnst.stylization.targets import StyleTargets, content_losses, even_pull, regional, weighted
from rnst.stylization.tiling import TargetCache, is_tiled

_STRIDE_PERIOD = 32  # stride of the deepest layer of a ResNet; a VGG's divides it
_STRAIGHT = Shift()


class AugmentationSchedule:
    """The views of a picture.

    Args:
        look: what the picture is compared by.
        augmentations: transforms before the network.
        parametrization: the margin that is optimized too, and the axes along which the picture repeats.
        encoder: frozen; for pictures that repeat, see `circular`.
        inputs: photo, styles and regions.
        targets: of the styles.
        tiling: of the picture.
    """

    def __init__(
        self,
        look: Look,
        augmentations: Augmentations,
        parametrization: Parametrization,
        encoder: Encoder,
        inputs: Inputs,
        targets: StyleTargets,
        tiling: Tiling,
    ) -> None:
        self._look = look
        self._augmentations = augmentations
        self._parametrization = parametrization
        self._encoder = encoder
        self._inputs = inputs
        self._targets = targets
        self._tiling = tiling

    @torch.no_grad()
    def of(self, scale: Scale, device: torch.device) -> tuple[list[AugmentedObjective], bool]:
        """Measure the targets: the styles once, the content under the transform of each view.

        The last view of a scale is the picture without a transform, as it will be viewed. With several shifts in each
        step, every view has neighbors, and so has the last one.

        Returns:
            The views, and whether they are computed in tiles. Contents are measured in turn: each is as large as the
            picture, and few of them come twice.
        """
        inputs, size = self._inputs, scale.size
        styles = self._targets.at(max(size))
        content = self._framed(inputs.content.to(device), size)
        masks = None if inputs.masks is None else [self._framed(mask.to(device), size) for mask in inputs.masks]
        turns = self._turns(scale)
        seen_size = (content.shape[-2], content.shape[-1])
        transforms = list(dict.fromkeys([_STRAIGHT, *(transform for turn in turns for transform in turn)]))
        cut = is_tiled(self._look, self._tiling, [transform.size(seen_size) for transform in transforms])
        pull: Sequence[dict[str, float]] = ({}, {})

        def objective(transform: Transform) -> nn.Module:
            nonlocal pull
            features = self._tiling.features(transform(content), self._look.content_layers)
            style = styles[0]
            if masks is not None:
                style = regional(styles, [transform(mask) for mask in masks], features)
            losses = content_losses(self._look, features)
            if self._look.normalize_gradients and transform == _STRAIGHT:
                pull = even_pull(style, losses, self._encoder(self._halfway(content)))
            found = self._steady(weighted(self._look, style, losses, pull, wraps=self._parametrization.wraps), size)
            return self._tiling.objective(found, transform.size(seen_size)) if cut else found

        cache = TargetCache(objective, self._augmentations.shifts_per_step)
        views = {transform: AugmentedObjective(transform, cache.objective(transform)) for transform in transforms}
        if self._look.normalize_gradients:  # all views need what is measured here
            views[_STRAIGHT] = AugmentedObjective(_STRAIGHT, objective(_STRAIGHT))
        together = [[views[transform] for transform in turn] for turn in turns]
        return [replace(first, others=tuple(others)) for first, *others in together], cut

    def _turns(self, scale: Scale) -> list[list[Transform]]:
        """Transforms of the views of a scale, those of one step together; scales go on where the last one ended.

        Shifts take the first half of the turns, rounded up. Little of the network's grid of strides is left in the
        picture by then, and the others, without shifts, lower the loss further.
        """
        hold, together = self._augmentations.hold, self._augmentations.shifts_per_step
        first, count = scale.first_step // hold, math.ceil(scale.steps / hold) - 1
        if self._augmentations.transforms == "robust":
            drawn = draw_placements((first + count) * together, self._augmentations.seed)
            starts = range(first * together, len(drawn), together)
            placed: list[list[Transform]] = [[*drawn[start : start + together]] for start in starts]
            return [*placed, [_STRAIGHT]]
        shifted = draw_shifts(self._augmentations.shifts, _STRIDE_PERIOD, self._augmentations.seed)[1:]
        turns = [shifted[(first + turn) % len(shifted)] for turn in range((count + 1) // 2)] if shifted else []
        return [[*map(self._rolled, shifts_around(shift, together))] for shift in (*turns, _STRAIGHT)]

    def _rolled(self, shift: Shift) -> Transform:
        """The shift, or a roll of a picture that repeats, in which no position is special."""
        wraps = self._parametrization.wraps
        return Roll(*shift, wraps) if any(wraps) and shift != _STRAIGHT else shift

    def _halfway(self, content: Tensor) -> Tensor:
        """Mean of photo and painting, where neither loss is at its minimum."""
        painting = self._inputs.regions[0].sources[0].image.to(content.device)
        return (content + resize(painting, (content.shape[-2], content.shape[-1]))) / 2

    def _steady(self, objective: Objective, size: tuple[int, int]) -> Objective | TemporalObjective:
        """Tied to the last frame of a sequence, where there is one."""
        previous, weight = self._inputs.previous, self._look.sequence_weight
        if previous is None or weight == 0:
            return objective
        content = self._inputs.content
        if previous.visible is not None:  # detail that the warped photo does not have is no change
            content = resize(content, (previous.photo.shape[-2], previous.photo.shape[-1]))
        photo, stylized, content = (self._framed(it, size) for it in (previous.photo, previous.stylized, content))
        seen = None if previous.visible is None else self._framed(previous.visible, size)
        return TemporalObjective(objective, stylized, (photo, content), weight, seen)

    def _framed(self, picture: Tensor, size: tuple[int, int]) -> Tensor:
        part = self._parametrization
        return framed(resampled(picture, size, part.wraps, resize), part.margins)


def framed(image: Tensor, margin: int | Size) -> Tensor:
    """Repeat the outermost pixels `margin` times: the margin, which zero padding distorts, is optimized and cut off.

    Args:
        image: (1, C, H, W).
        margin: in pixels; two numbers are above and below, and left and right.
    """
    rows, columns = (margin, margin) if isinstance(margin, int) else margin
    return F.pad(image, (columns, columns, rows, rows), mode="replicate") if rows or columns else image
