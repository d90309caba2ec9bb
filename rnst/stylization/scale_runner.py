"""One picture, one size at a time: targets, parameters, one Trainer for each scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger
from torch import Tensor

from rnst.encoders.encoder import Encoder
from rnst.errors import RnstError
from rnst.image.color import DecorrelatedColor, ImageColor, PlainColor
from rnst.image.color_basis import RGB
from rnst.image.files import resize
from rnst.image.parameters import ClampedImage, FourierImage, ImageParameter, PixelImage
from rnst.optimization.devices import SharedPicture
from rnst.optimization.optimizers import PixelOptimizer
from rnst.optimization.ranks import DeviceLostError
from rnst.optimization.tiled_gradient import Unseen
from rnst.stylization.fitting import fit
from rnst.stylization.image_optimization import ImageOptimization, Schedule
from rnst.stylization.inputs import Inputs
from rnst.stylization.scales import Scale
from rnst.stylization.schedule import AugmentationSchedule, framed, steps_of_an_augmentation
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.targets import StyleTargets
from rnst.stylization.tiling import tiling_of_picture

_USUAL_DECAYS = {"lbfgs": 0.3, "adam": 0.5}
_CORNERS = {"lbfgs": 0.125, "adam": math.inf}  # cycles per pixel; Adam makes up for curvatures by itself
_PRECISIONS = {"bf16": "bf16-mixed", "fp32": "32-true"}


class NoFiniteLossError(RnstError):
    """The optimization never reached a finite loss."""

    def __init__(self) -> None:
        super().__init__("the loss was never finite. Lower --style_weight, or try --precision fp32 or --optimizer adam")


@dataclass(frozen=True)
class ScaleOutcome:
    """What came out of one scale.

    Attributes:
        image: (1, 3, H, W) in [0, 1] of lowest loss, or with Adam the mean of its pictures.
        losses: of that picture, by name.
        finished: False where the user stopped it.
        first_losses: of the picture that it began with.
        failure: what else stopped it.
    """

    image: Tensor
    losses: dict[str, float]
    finished: bool
    first_losses: dict[str, float]
    failure: RnstError | None = None


class ScaleRunner:
    """Holds what does not change from scale to scale, `tiling` among it.

    Args:
        settings: of the picture; layers are named, and the size is that of the long side.
        encoder: frozen; gives the features of all those layers.
        inputs: photo, styles and regions.
        targets: of the styles; pictures that share styles share it. None measures them for this one.
    """

    def __init__(
        self, settings: StylizationSettings, encoder: Encoder, inputs: Inputs, targets: StyleTargets | None = None
    ) -> None:
        self._settings = settings
        self._encoder = encoder
        self._scene = inputs
        self.tiling = tiling_of_picture(settings, encoder)
        targets = targets or StyleTargets(settings, encoder, inputs.regions)
        self._views = AugmentationSchedule(settings, encoder, inputs, targets, self.tiling)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the content in pixels."""
        return self._scene.size

    def paint(
        self, scale: Scale, start: Tensor, callbacks: Sequence[Callback], loggers: Sequence[Logger]
    ) -> ScaleOutcome:
        """Optimize at one size.

        Args:
            scale: size and steps.
            start: (1, 3, H, W) in [0, 1] of any size.
            callbacks: what is reported meanwhile.
            loggers: where losses go.

        Raises:
            NoFiniteLossError: the loss was never finite.
            DeviceLostError: another device was lost before there was a picture.
            KeyboardInterrupt: the user stopped it before there was a picture.
        """
        settings = self._settings
        trainer = self._trainer(callbacks, loggers)
        device = trainer.strategy.root_device
        self._encoder.to(device)
        views, cut = self._views.of(scale, device)
        history = min(settings.history, self.tiling.history or settings.history)  # as much as the memory has it
        task = ImageOptimization(
            self._parameters(framed(resize(start.to(device), scale.size), settings.margin)),
            Unseen() if cut else self._encoder,
            views,
            PixelOptimizer(
                settings.optimizer, settings.learning_rate, history, settings.line_search, settings.averaging
            ),
            Schedule(scale.steps, steps_of_an_augmentation(settings), scale.first_step, scale.done),
            settings.margin,
        )
        failure: DeviceLostError | None = None
        try:
            finished = fit(trainer, task)
        except DeviceLostError as error:
            finished, failure = False, error
        if task.best_image is None:
            raise failure or (NoFiniteLossError() if finished else KeyboardInterrupt())
        return ScaleOutcome(task.best_image.cpu(), task.best_losses, finished, task.first_losses, failure)

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
        color: ImageColor = (
            PlainColor() if self._settings.color_basis == RGB else DecorrelatedColor(self._scene.color_root)
        )
        if self._settings.parameters == "clamped":
            return ClampedImage.from_image(start)
        if self._settings.parameters == "fourier":
            return FourierImage.from_image(
                start, usual_decay(self._settings), _CORNERS[self._settings.optimizer], color=color
            )
        return PixelImage.from_image(start, color=color)


def usual_decay(settings: StylizationSettings) -> float:
    """The exponent of the spectrum's scale; where none is set, the one that is usual with the optimizer."""
    if settings.fourier_decay is not None:
        return settings.fourier_decay
    return _USUAL_DECAYS[settings.optimizer]
