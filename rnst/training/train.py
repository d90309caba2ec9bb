"""Train robust weights, measure them clean and under attack, and export one file with all facts."""

import contextlib
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import torchvision
from torch import Tensor

from rnst.data.datamodules import PhotoFolders
from rnst.encoders.weights.files import write_weights
from rnst.errors import RnstError, UnreadableFileError
from rnst.recorded_paths import without_folders
from rnst.secondary import reason_of
from rnst.signals import Stopped, handled
from rnst.training.averaging import AveragedWeights
from rnst.training.checks import NoStepError, check_devices
from rnst.training.overfitting import OverfittingMonitor
from rnst.training.robust_classifier import RobustClassifier
from rnst.training.run_state import after_stop
from rnst.training.stopping import StopAfterStep
from rnst.training.trainer_options import refused_options

_HARDLY_BETTER = 1.2  # times the share that guessing gets right
_LARGEST_HALF = torch.finfo(torch.float16).max


class DivergedError(RnstError):
    """A training ended without usable weights."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the weights {name} are not finite: the training diverged and nothing is exported. "
            "Lower --model.recipe.learning_rate or add --trainer.gradient_clip_val 1; the checkpoints are kept"
        )


class UnwrittenWeightsError(RnstError):
    """The weights could not be exported."""

    def __init__(self, output: Path, error: OSError) -> None:
        super().__init__(
            f"{output} cannot be written: {reason_of(error)}. The training is kept: make room, and add --resume to the "
            "same command to export"
        )


def train(
    trainer: pl.Trainer,
    model: RobustClassifier,
    data: PhotoFolders,
    output: Path,
    *,
    resume: Path | None = None,
    half: bool = False,
    report: Callable[[str], object],
) -> dict[str, Any]:
    """Train, test, export; return the facts in the exported file.

    Args:
        trainer: its checkpoint callbacks keep the state to resume from. If it averages the weights, the average is
            tested and exported; if its monitor stopped it, the last good weights are.
        model: the classifier with its attack.
        data: photos.
        output: safetensors file to write.
        resume: Lightning checkpoint to resume from.
        half: export kernels as float16, if their values fit.
        report: called with messages about the export that concern the user.

    Raises:
        DivergedError: the weights are not finite.
        FewValidationPhotosError: there are fewer validation photos than devices.
        NoStepError: the photos do not fill one batch on each of the devices.
    """
    if trainer.is_global_zero and trainer.world_size > 1:  # the others may wait for this process to prepare the data
        check_devices(data, trainer.world_size)
    began = time.perf_counter()
    with _stopping_well(trainer):
        _fit(trainer, model, data, resume)
    seconds = time.perf_counter() - began
    epochs, ended = trainer.current_epoch, _how_it_ended(trainer, model)
    state = model.network.state_dict()
    _refuse_diverged(state)
    accuracies = _tested(trainer, model, data, report)
    facts = {
        **model.facts(),
        **ended,
        "accuracy_clean": round(accuracies["test/accuracy_clean"], 4),
        "accuracy_attacked": round(accuracies["test/accuracy_attacked"], 4),
        "evaluation": str(model.evaluation),
        "epochs": epochs,
        "seconds_of_this_session": round(seconds),
        **_origin(),
    }
    if trainer.is_global_zero:
        _export(output, state, facts, half=half and _fits_half(state, report))
    return facts


def _tested(
    trainer: pl.Trainer, model: RobustClassifier, data: PhotoFolders, report: Callable[[str], object]
) -> Mapping[str, float]:
    """Accuracies on the validation photos; what is remarkable about photos and accuracies is reported."""
    with _stopping_well(trainer):
        accuracies = trainer.test(model, datamodule=data, verbose=False)[0]
    for line in data.skipped():
        report(line)
    _warn_of_guessing(accuracies["test/accuracy_clean"], len(model.data.class_names), report)
    return accuracies


def _export(output: Path, state: Mapping[str, Tensor], facts: Mapping[str, Any], *, half: bool) -> None:
    try:
        write_weights(output, state, facts, half=half)
    except OSError as error:
        raise UnwrittenWeightsError(output, error) from error


def _fit(trainer: pl.Trainer, model: RobustClassifier, data: PhotoFolders, resume: Path | None) -> None:
    try:
        with refused_options():  # some are refused once the data are known
            trainer.fit(model, datamodule=data, ckpt_path=resume, weights_only=True)
    except RuntimeError as error:
        if resume is None or not str(error).startswith("Error(s) in loading state_dict"):
            raise
        raise UnreadableFileError(
            resume, "a checkpoint of this training", "its tensors are of another network"
        ) from error
    if not trainer.global_step:
        photos = len(data.train_dataloader().dataset)  # type: ignore[arg-type] # an epoch has a length
        raise NoStepError(photos, data.batch_size, trainer.world_size)


@contextlib.contextmanager
def _stopping_well(trainer: pl.Trainer) -> Iterator[None]:
    """In this block, signals stop the training after the step at work, when its state is written.

    Raises:
        Stopped: a signal arrived; Lightning turns it into SystemExit.
    """
    stoppers = [callback for callback in trainer.callbacks if isinstance(callback, StopAfterStep)]  # type: ignore[attr-defined]
    try:
        with handled(stoppers[0].receive) if stoppers else contextlib.nullcontext():
            yield
    except (KeyboardInterrupt, SystemExit) as stop:
        raise Stopped(after_stop(Path(trainer.default_root_dir))) from stop


def _warn_of_guessing(accuracy: float, classes: int, report: Callable[[str], object]) -> None:
    """Report a network that is hardly better than guessing."""
    if accuracy < _HARDLY_BETTER / classes:
        report(
            f"the accuracy of {accuracy:.1%} is that of guessing among {classes} classes: the weights have learned "
            "nothing. Train longer, lower the radius, or try another learning rate"
        )


def _refuse_diverged(state: Mapping[str, Tensor]) -> None:
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise DivergedError(name)


def _origin() -> dict[str, Any]:
    """The command, and the versions that it ran with."""
    return {
        "command": shlex.join(["python", Path(sys.argv[0]).name, *without_folders(sys.argv[1:])]),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "pytorch_lightning": version("pytorch_lightning"),
        },
    }


def _how_it_ended(trainer: pl.Trainer, model: RobustClassifier) -> dict[str, Any]:
    """Facts about averaging and the monitor; restores the last good weights if the monitor found overfitting."""
    facts: dict[str, Any] = {}
    for callback in trainer.callbacks:  # type: ignore[attr-defined] # Lightning attaches them
        if isinstance(callback, AveragedWeights):
            facts["averaged"] = callback.decay
        if isinstance(callback, OverfittingMonitor) and callback.collapsed_at is not None:
            facts["catastrophic_overfitting_at_step"] = callback.collapsed_at
            if callback.restore(trainer, model):
                facts["weights_of_step"] = callback.last_good_step
    return facts


def _fits_half(state: Mapping[str, Tensor], report: Callable[[str], object]) -> bool:
    """Whether all tensors that `write_weights` stores as float16, kernels and matrices, stay finite."""
    fits = all(bool(tensor.abs().max() <= _LARGEST_HALF) for tensor in state.values() if tensor.dim() > 1)
    if not fits:
        report(f"a weight is too large for float16 ({_LARGEST_HALF:g}): all are exported as float32")
    return fits
