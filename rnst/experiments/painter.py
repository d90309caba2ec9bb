"""One picture, one size at a time: targets, parameters, one Trainer for each scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder
from rnst.errors import RnstError
from rnst.experiments.cutting import Turns, is_cut, tiling_of_picture
from rnst.experiments.fitting import fit
from rnst.experiments.scene import Scene
from rnst.experiments.stylization_settings import SMALLEST_SIZE, StylizationSettings
from rnst.experiments.targets import StyleTargets, content_losses, even_pull, regional, weighted
from rnst.image.color import DecorrelatedColor, ImageColor, PlainColor
from rnst.image.io import fit_long_side, resize
from rnst.image.parameters import FourierImage, ImageParameter, PixelImage
from rnst.image.transforms import Offset, draw_offsets, shift
from rnst.losses.objective import Objective
from rnst.losses.temporal import TemporalObjective
from rnst.optimization.devices import SharedPicture
from rnst.optimization.optimizers import PixelOptimizer
from rnst.optimization.ranks import DeviceLostError
from rnst.optimization.tiled_gradient import Unseen
from rnst.tasks.image_optimization import STEPS_OF_A_VIEW, ImageOptimization, Schedule, View

_SCALE_FACTOR = 2**0.5
_COARSEST = 256  # pixels; smaller pictures do not show a deep layer enough of a painting
_ROUNDING = 1e-6
MARGIN = 16  # pixels painted around the picture and cut off: the network's zero padding leaves a noisy frame
_STRIDE_PERIOD = 32  # stride of the deepest layer of a ResNet; a VGG's divides it
_PRECISIONS = {"bf16": "bf16-mixed", "fp32": "32-true"}


class NoPictureError(RnstError):
    """The optimization never reached a finite loss."""

    def __init__(self) -> None:
        super().__init__("the loss was never finite. Lower --style_weight, or try --precision fp32 or --optimizer adam")


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


@dataclass(frozen=True)
class Painted:
    """What came out of one scale.

    Attributes:
        image: (1, 3, H, W) in [0, 1] of lowest loss.
        losses: of that picture, by name.
        finished: False where the user stopped it.
        first_losses: of the picture that it began with.
        trouble: what else stopped it.
    """

    image: Tensor
    losses: dict[str, float]
    finished: bool
    first_losses: dict[str, float]
    trouble: RnstError | None = None


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


class Painter:
    """Holds what does not change from scale to scale.

    Args:
        settings: of the picture; layers are named, and the size is that of the long side.
        encoder: frozen; gives the features of all those layers.
        scene: photo, styles and regions.
        targets: of the styles; pictures that share styles share it. None measures them for this one.
    """

    def __init__(
        self, settings: StylizationSettings, encoder: Encoder, scene: Scene, targets: StyleTargets | None = None
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._scene = scene
        self._targets = targets or StyleTargets(settings, encoder, scene.regions)
        self._tiling = tiling_of_picture(settings, encoder)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the content in pixels."""
        return self._scene.size

    def paint(self, scale: Scale, start: Tensor, callbacks: Sequence[Callback], loggers: Sequence[Logger]) -> Painted:
        """Optimize at one size.

        Args:
            scale: size and steps.
            start: (1, 3, H, W) in [0, 1] of any size.
            callbacks: what is reported meanwhile.
            loggers: where losses go.

        Raises:
            NoPictureError: the loss was never finite.
            DeviceLostError: another device was lost before there was a picture.
            KeyboardInterrupt: the user stopped it before there was a picture.
        """
        settings = self._settings
        trainer = self._trainer(callbacks, loggers)
        device = trainer.strategy.root_device
        self._encoder.to(device)
        views, cut = self._views(scale, device)
        history = min(settings.history, self._tiling.history or settings.history)  # as much as the memory has it
        task = ImageOptimization(
            self._parameters(_framed(resize(start.to(device), scale.size))),
            Unseen() if cut else self._encoder,
            views,
            PixelOptimizer(settings.optimizer, settings.learning_rate, history, settings.line_search),
            Schedule(scale.steps, first_step=scale.first_step, done=scale.done),
            MARGIN,
        )
        trouble: DeviceLostError | None = None
        try:
            finished = fit(trainer, task)
        except DeviceLostError as error:
            finished, trouble = False, error
        if task.best_image is None:
            raise trouble or (NoPictureError() if finished else KeyboardInterrupt())
        return Painted(task.best_image.cpu(), task.best_losses, finished, task.first_losses, trouble)

    def _trainer(self, callbacks: Sequence[Callback], loggers: Sequence[Logger]) -> pl.Trainer:
        return pl.Trainer(
            max_epochs=1,
            accelerator="auto",
            devices=self._settings.devices,
            strategy=SharedPicture() if self._settings.devices > 1 else "auto",
            precision=_PRECISIONS[self._settings.precision],  # type: ignore[arg-type]
            callbacks=list(callbacks),
            logger=list(loggers),
            log_every_n_steps=1,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )

    def _parameters(self, start: Tensor) -> ImageParameter:
        color: ImageColor = PlainColor() if self._settings.color_basis == "rgb" else DecorrelatedColor()
        if self._settings.parameters == "fourier":
            return FourierImage.from_image(start, self._settings.fourier_decay, color=color)
        return PixelImage.from_image(start, color=color)

    @torch.no_grad()
    def _views(self, scale: Scale, device: torch.device) -> tuple[list[View], bool]:
        """Measure the targets: the styles once, the content at each offset against the network's strides.

        The last view of a scale is the picture as it stands, for that is how it will be looked at.

        Returns:
            The views, and whether they are computed in tiles; their contents are then measured in turn.
        """
        scene, size = self._scene, scale.size
        styles = self._targets.at(max(size))
        content = _framed(resize(scene.content.to(device), size))
        masks = None if scene.masks is None else [_framed(resize(mask.to(device), size)) for mask in scene.masks]
        straight, *shifted = draw_offsets(self._settings.shifts, _STRIDE_PERIOD, self._settings.seed)
        first, last = scale.first_step // STEPS_OF_A_VIEW, math.ceil(scale.steps / STEPS_OF_A_VIEW) - 1
        turns = [shifted[(first + turn) % len(shifted)] for turn in range(last)] if shifted else []
        cut = is_cut(self._settings, self._tiling, [_shifted_size(content, offset) for offset in (straight, *turns)])
        pull: Sequence[dict[str, float]] = ({}, {})

        def objective(offset: Offset) -> nn.Module:
            nonlocal pull
            features = self._tiling.features(shift(content, offset), self._settings.content_layers or ())
            style = styles[0]
            if masks is not None:
                style = regional(styles, [shift(mask, offset) for mask in masks], features)
            losses = content_losses(self._settings, features)
            if self._settings.normalize_gradients and offset == straight:
                pull = even_pull(style, losses, self._encoder(self._halfway(content)))
            found = self._steady(weighted(self._settings, style, losses, pull), size)
            return self._tiling.objective(found, _shifted_size(content, offset)) if cut else found

        turn_by_turn = Turns(objective)
        offsets = dict.fromkeys((straight, *turns))
        views = {
            offset: View(offset, turn_by_turn.objective(offset) if cut else objective(offset)) for offset in offsets
        }
        return [views[offset] for offset in (*turns, straight)], cut

    def _halfway(self, content: Tensor) -> Tensor:
        """Between photo and painting, where neither has reached its target and both pull."""
        painting = self._scene.regions[0].sources[0].image.to(content.device)
        return (content + resize(painting, (content.shape[-2], content.shape[-1]))) / 2

    def _steady(self, objective: Objective, size: tuple[int, int]) -> Objective | TemporalObjective:
        """Tied to the last frame of a sequence, where there is one."""
        previous, weight = self._scene.previous, self._settings.sequence_weight
        if previous is None or weight == 0:
            return objective
        photo, painted = (_framed(resize(picture, size)) for picture in previous)
        return TemporalObjective(objective, painted, (photo, _framed(resize(self._scene.content, size))), weight)


def _shifted_size(content: Tensor, offset: Offset) -> tuple[int, int]:
    return content.shape[-2] + offset[0], content.shape[-1] + offset[1]


def _framed(image: Tensor) -> Tensor:
    """Repeat the outermost pixels as a margin."""
    return F.pad(image, (MARGIN,) * 4, mode="replicate")
