"""One picture, one size at a time: targets, parameters, one Trainer for each scale."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.loggers import Logger
from torch import Tensor

from rnst import machine
from rnst.encoders.circular import circular
from rnst.encoders.encoder import Encoder
from rnst.encoders.receptive_fields import CannotTileError
from rnst.errors import InvalidValueError, MemoryExhaustedError, RnstError, is_out_of_memory
from rnst.image.color import DecorrelatedColor, ImageColor, PlainColor
from rnst.image.color_basis import RGB
from rnst.image.files import resize
from rnst.image.parameters import ClampedImage, FourierImage, ImageParameter, PixelImage
from rnst.image.periodic import resampled
from rnst.optimization.devices import SharedPicture
from rnst.optimization.process_group import DeviceLostError
from rnst.optimization.tiled_gradient import Unseen
from rnst.stylization.best import BestSoFar
from rnst.stylization.fitting import fit
from rnst.stylization.image_optimization import ImageOptimization, Schedule
from rnst.stylization.inputs import Inputs
from rnst.stylization.job import Job
from rnst.stylization.scales import Scale
from rnst.stylization.schedule import AugmentationSchedule, framed
from rnst.stylization.targets import StyleTargets
from rnst.stylization.tiling import tiling_of_picture

_LESS_MEMORY = "Lower --memory, --tile or --size, or free the memory that other programs take"
_LARGE = 2**17  # pixels; what a smaller size leaves behind is not worth a collection of garbage
_log = logging.getLogger(__name__)
_PRECISIONS = {"bf16": "bf16-mixed", "fp32": "32-true"}


class NoFiniteLossError(RnstError):
    """The optimization never reached a finite loss."""

    def __init__(self) -> None:
        super().__init__("the loss was never finite. Lower --style_weight, or try --precision fp32 or --optimizer adam")


@dataclass(frozen=True)
class ScaleOutcome:
    """What came out of one scale.

    Attributes:
        image: (1, 3, H, W) in [0, 1] of lowest loss, or with Adam the running mean of the pictures.
        losses: of that picture, by name.
        finished: False where the user stopped it.
        first_losses: of the picture at its first step.
        failure: the error that stopped it, if any.
        tile: side in pixels of the tiles in which it was computed; 0 where it was computed as a whole.
    """

    image: Tensor
    losses: dict[str, float]
    finished: bool
    first_losses: dict[str, float]
    failure: RnstError | None = None
    tile: int = 0


class ScaleRunner:
    """Optimizes one picture at one scale after the other; `tiling` is shared by all scales.

    Args:
        job: of the picture.
        encoder: frozen; gives the features of all those layers.
        inputs: photo, styles and regions.
        targets: of the styles; pictures that share styles share it. None measures them for this one.
    """

    def __init__(self, job: Job, encoder: Encoder, inputs: Inputs, targets: StyleTargets | None = None) -> None:
        self._job = job
        self._encoder = seen = _seen_by(job, encoder)
        self._inputs = inputs
        self._rescued: list[ScaleOutcome] = []  # of attempts that ran out of memory
        self.tiling = tiling_of_picture(job.limits, job.look, job.augmentations, seen)
        self._targets = targets or StyleTargets(job.look, encoder, inputs.regions, job.limits)
        self._views = AugmentationSchedule(
            job.look, job.augmentations, job.parametrization, seen, inputs, self._targets, self.tiling
        )

    def optimize(
        self,
        scale: Scale,
        start: Tensor,
        callbacks: Sequence[Callback],
        loggers: Sequence[Logger],
        state: Mapping[str, Any] | None = None,
    ) -> ScaleOutcome:
        """Optimize at one size; once more in smaller tiles, which change nothing but rounding, if memory runs out.

        Args:
            scale: size and steps.
            start: (1, 3, H, W) in [0, 1] of any size.
            callbacks: of the trainer.
            loggers: of the losses.
            state: of a run that was stopped after `scale.done` steps, see `ImageOptimization.run_state`.

        Raises:
            NoFiniteLossError: the loss was never finite.
            DeviceLostError: another device was lost before there was a picture.
            KeyboardInterrupt: the user stopped it before there was a picture.
            MemoryExhaustedError: memory ran out twice, or there are no smaller tiles, before there was a picture.
        """
        self._rescued.clear()
        failure = MemoryExhaustedError(_LESS_MEMORY)
        for smaller in (False, True):
            try:
                if smaller:
                    self._shrink()
                outcome = self._attempt(scale, start, callbacks, loggers, state)
            except MemoryExhaustedError as error:
                failure = error
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            else:
                if math.prod(scale.size) >= _LARGE:
                    machine.free_memory()  # Trainer and task refer to each other: their tensors would stay for a while
                return outcome
        if not self._rescued:
            raise failure
        return replace(self._rescued[-1], finished=False, failure=failure)

    def _shrink(self) -> None:
        """Smaller tiles, in freed memory; called where no exception refers to tensors any more.

        Raises:
            MemoryExhaustedError: there are none, or other processes would have to cut the same, which do not know.
        """
        machine.free_memory()
        try:
            whole = self._job.look.normalize_gradients or any(self._job.parametrization.wraps)
            if self._job.limits.devices > 1 or whole:
                raise MemoryExhaustedError(_LESS_MEMORY)
            self.tiling.shrink()
            self._targets.shrink()
        except CannotTileError as error:
            raise MemoryExhaustedError(f"{_LESS_MEMORY}. In tiles it cannot be computed: {error}") from error
        _log.warning("out of memory: this size is begun anew, in smaller tiles; --memory or --tile sets them")

    def _attempt(
        self,
        scale: Scale,
        start: Tensor,
        callbacks: Sequence[Callback],
        loggers: Sequence[Logger],
        state: Mapping[str, Any] | None,
    ) -> ScaleOutcome:
        """Optimize at one size; arguments and errors: see `optimize`."""
        job, margin = self._job, self._job.parametrization.margins
        trainer = self._trainer(callbacks, loggers)
        device = trainer.strategy.root_device
        self._encoder.to(device)
        first = resampled(start.to(device), scale.size, job.parametrization.wraps, resize)
        views, cut = self._views.of(scale, device)
        # The tiling reduces the history of L-BFGS where memory is short.
        optimizer = replace(job.optimizer, history=self.tiling.history or job.optimizer.history)
        task = ImageOptimization(
            self._parameters(framed(first, margin)),
            Unseen() if cut else self._encoder,
            views,
            optimizer,
            Schedule(scale.steps, job.augmentations.hold, scale.first_step, scale.done),
            margin,
        )
        if state is not None:
            task.load_run_state(state)
        failure: DeviceLostError | None = None
        try:
            finished = fit(trainer, task)
        except DeviceLostError as error:
            finished, failure = False, error
        except (RuntimeError, MemoryError):
            if task.best.image is not None:
                self._rescued.append(self._outcome(task.best, task.best.image, scale))
            raise
        if task.best.image is None:
            raise failure or (NoFiniteLossError() if finished else KeyboardInterrupt())
        outcome = self._outcome(task.best, task.best.image, scale)
        return replace(outcome, finished=finished, failure=failure)

    def _outcome(self, best: BestSoFar, image: Tensor, scale: Scale) -> ScaleOutcome:
        """The best picture so far, of a run that has not finished."""
        rows, columns = self._job.parametrization.margins
        tile = self.tiling.tile_of((scale.size[0] + 2 * rows, scale.size[1] + 2 * columns))
        return ScaleOutcome(image.cpu(), best.losses, finished=False, first_losses=best.first_losses, tile=tile)

    def _trainer(self, callbacks: Sequence[Callback], loggers: Sequence[Logger]) -> pl.Trainer:
        return pl.Trainer(
            max_epochs=1,
            accelerator=machine.accelerator(self._job.limits.device),
            devices=self._job.limits.devices,
            strategy=SharedPicture() if self._job.limits.devices > 1 else "auto",
            # Sizes stand still from one transform to the next, so that a search for the fastest convolutions pays.
            benchmark=self._job.limits.device == "cuda" and self._job.augmentations.transforms == "none",
            precision=_PRECISIONS[self._job.limits.precision],  # type: ignore[arg-type]
            callbacks=list(callbacks),
            logger=list(loggers),
            log_every_n_steps=1,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )

    def _parameters(self, start: Tensor) -> ImageParameter:
        chosen, basis = self._job.parametrization, self._job.pictures.color_basis
        color: ImageColor = PlainColor() if basis == RGB else DecorrelatedColor(self._inputs.color_root)
        if chosen.parameters == "clamped":
            return ClampedImage.from_image(start)
        if chosen.parameters == "fourier":
            return FourierImage.from_image(start, chosen.fourier_decay, chosen.corner, color=color)
        return PixelImage.from_image(start, color=color)


def _seen_by(job: Job, encoder: Encoder) -> Encoder:
    """The network of the picture: that of the styles, or its circular copy for a picture that repeats.

    Raises:
        InvalidValueError: the network depends on positions.
    """
    wraps = job.parametrization.wraps
    found = circular(encoder, wraps) if any(wraps) else encoder
    if found is None:
        wanted = "a network of convolutions with --seamless: this one depends on positions in the picture"
        raise InvalidValueError("--encoder", job.network.encoder, wanted)
    return found
