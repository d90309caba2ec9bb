"""What a classifier needs to know about its data, and the sizes of its images."""

from dataclasses import dataclass

from rnst.data.crops import Crop
from rnst.data.sources import Statistics
from rnst.normalization import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True)
class DataFacts:
    """What a classifier needs to know about its data, and what its weight file records.

    Attributes:
        name: name of the data set.
        class_names: one name for each label.
        image_size: side of the square images in pixels, at which attack radii are stated.
        mean: mean of each channel of images in [0, 1].
        std: standard deviation of each channel.
        crop: how photos become squares, see `rnst.data.crops`.
    """

    name: str
    class_names: tuple[str, ...]
    image_size: int
    mean: Statistics = IMAGENET_MEAN
    std: Statistics = IMAGENET_STD
    crop: Crop = "resized"


@dataclass(frozen=True)
class Stage:
    """A part of the training with its own image size; early epochs at small sizes are cheap.

    Attributes:
        epochs: number of epochs.
        image_size: side of the images in pixels.
    """

    epochs: int
    image_size: int
