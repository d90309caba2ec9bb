"""What a training refuses before it writes anything: photos and batches that the network cannot learn from."""

import copy
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn

from rnst.data.datamodules import PhotoFolders
from rnst.encoders.probe import smallest_side
from rnst.errors import InvalidValueError, RnstError
from rnst.training.robust_classifier import RobustClassifier


class SmallPhotosError(RnstError):
    """The photos are smaller than the network's smallest input."""

    def __init__(self, architecture: str, side: int, smallest: int) -> None:
        super().__init__(
            f"photos of {side} pixels are too small for {architecture}, which needs {smallest}. "
            "Raise --data.image_size, or image_size in --data.stages"
        )


def check_network(model: RobustClassifier, sides: Iterable[int]) -> None:
    """Fail early if photos of one of these sides, in pixels, are too small for the network.

    Raises:
        SmallPhotosError: the photos are too small for the network's pools.
    """
    side = min(sides)
    *_, last = (path for path, _ in model.network.named_modules())
    smallest = smallest_side(copy.deepcopy(model.network).eval(), [last], (side, side))
    if smallest is not None:
        raise SmallPhotosError(model.architecture, side, smallest)


class NoStepError(RnstError):
    """The photos do not fill one batch."""

    def __init__(self, photos: int, batch: int, devices: int = 1) -> None:
        together = f"{batch} on each of {devices} devices" if devices > 1 else str(batch)
        super().__init__(
            f"too few photos for one batch: {photos} of {together}, so no step could be made. "
            "Lower --data.batch_size, or give more photos"
        )


class FewValidationPhotosError(RnstError):
    """A device would have nothing to evaluate."""

    def __init__(self, photos: int, devices: int) -> None:
        super().__init__(
            f"{photos} validation photos for {devices} devices: each needs one. Lower --trainer.devices, or raise "
            "--data.validation_photos and --data.evaluation_photos (0 means all), or give more photos"
        )


def check_length(model: RobustClassifier, options: Mapping[str, Any]) -> None:
    """Refuse a run that time alone ends, if its schedule spans the run.

    Args:
        model: with its recipe.
        options: of the Trainer, by name.

    Raises:
        InvalidValueError: the schedule needs a length.
    """
    ends = options.get("max_epochs") is not None or options.get("max_steps", -1) != -1
    if options.get("max_time") is not None and not ends:
        model.recipe.check_length(math.inf)


def check_devices(data: PhotoFolders, devices: int) -> None:
    """Refuse more devices than validation photos.

    Raises:
        FewValidationPhotosError: there are.
    """
    photos = min(len(loader.dataset) for loader in (data.test_dataloader(), data.val_dataloader()))  # type: ignore[arg-type] # they have a length
    if photos < devices:
        raise FewValidationPhotosError(photos, devices)


def check_data(data: PhotoFolders, report: Callable[[str], object]) -> None:
    """Fail early if photos are missing, too few or of no two classes, before anything is written.

    Args:
        data: photos.
        report: called with warnings about classes and folders.

    Raises:
        MissingPathError: there are no photos.
        ClassesError: the classes cannot be learned.
        NoStepError: the photos do not fill a batch.
    """
    data.prepare_data()
    for warning in data.check():
        report(warning)
    loader = data.train_dataloader()
    if not len(loader):
        raise NoStepError(len(loader.dataset), data.batch_size)  # type: ignore[arg-type] # an epoch has a length
    data.val_dataloader()


def check_batch(model: RobustClassifier, size: int) -> None:
    """Refuse batches of a single photo for a network that normalizes over the batch.

    Raises:
        InvalidValueError: the batches are too small.
    """
    normalizes = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.network.modules())
    if normalizes and size < 2:  # noqa: PLR2004 - the variance of one photo is 0
        raise InvalidValueError(
            "data.batch_size", size, f"at least 2 for {model.architecture}, which normalizes over it"
        )
