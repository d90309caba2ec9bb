"""Ranges of the numbers that say how photos are loaded."""

from collections.abc import Iterable

from rnst.data.crops import Crop
from rnst.errors import InvalidValueError
from rnst.machine import check_workers

_LARGEST_SIDE = 8192  # pixels of a training image


def check_loading(batch_size: int, workers: int, skip_broken: int, evaluation_photos: int) -> None:
    """Check the numbers of a data module.

    Raises:
        InvalidValueError: one is out of range.
    """
    check_workers("data.workers", workers)
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("skip_broken", skip_broken, 0),
        ("evaluation_photos", evaluation_photos, 0),
    ):
        if value < least:
            raise InvalidValueError(f"data.{name}", value, f"{least} or more")


def check_stages(stages: Iterable[tuple[int, int]]) -> None:
    """Check sides of images in pixels, and for how many epochs each is used.

    Raises:
        InvalidValueError: one is out of range.
    """
    for image_size, epochs in stages:
        if not 1 <= image_size <= _LARGEST_SIDE:
            raise InvalidValueError("data.image_size", image_size, f"from 1 to {_LARGEST_SIDE} pixels")
        if epochs < 1:
            raise InvalidValueError("data.stages", f"{epochs} epochs", "1 epoch or more for each")


def check_crops(crop: Crop, crop_area: float, workers: int, *, cache: bool) -> None:
    """Check what goes together with a crop.

    Raises:
        InvalidValueError: it does not.
    """
    if not 0 < crop_area <= 1:
        raise InvalidValueError("data.crop_area", crop_area, "more than 0 and at most 1")
    if cache and crop == "resized":
        raise InvalidValueError("data.cache", cache, "false with data.crop=resized, which needs the full photos")
    if cache and workers:
        raise InvalidValueError("data.workers", workers, "0 with data.cache=true: each worker would keep its own copy")
