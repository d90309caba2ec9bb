"""Ranges of the numbers that say how photos are loaded."""

from collections.abc import Iterable

from rnst.data.crops import Crop
from rnst.errors import InvalidValueError
from rnst.machine import check_workers
from rnst.ranges import LARGEST_PHOTO


def check_loading(**numbers: int) -> None:
    """Check numbers of a data module by name.

    Raises:
        InvalidValueError: one is out of range.
    """
    for name, value in numbers.items():
        least = 1 if name == "batch_size" else 0
        if name == "workers":
            check_workers("data.workers", value)
        elif value < least:
            raise InvalidValueError(f"data.{name}", value, f"{least} or more")


def check_stages(stages: Iterable[tuple[int, int]]) -> None:
    """Check sides of images in pixels, and for how many epochs each is used.

    Raises:
        InvalidValueError: one is out of range.
    """
    for image_size, epochs in stages:
        if not 1 <= image_size <= LARGEST_PHOTO:
            raise InvalidValueError("data.image_size", image_size, f"from 1 to {LARGEST_PHOTO} pixels")
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
