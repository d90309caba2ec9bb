"""Photos decoded in memory: as a source, and as a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rnst.data.photos import LabeledPhotos, PhotosInMemory, Preprocessing
from rnst.data.sources import Source, Split, Statistics
from rnst.errors import UnreadableFileError
from rnst.files import written_aside


@dataclass(frozen=True)
class PhotoSet:
    """Photos and labels.

    Attributes:
        photos: (N, 3, S, S) uint8.
        labels: (N,) int64.
    """

    photos: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def chosen(self, numbers: Tensor) -> "PhotoSet":
        """The photos with these indices."""
        return PhotoSet(self.photos[numbers], self.labels[numbers])

    def relabeled(self, labels: Tensor) -> "PhotoSet":
        """The same photos with other labels (N,)."""
        return PhotoSet(self.photos, labels)

    def write(self, path: Path) -> None:
        """Write as safetensors, complete or not at all."""
        with written_aside(path) as aside:
            save_file({"photos": self.photos.contiguous(), "labels": self.labels.contiguous()}, aside)

    @classmethod
    def read(cls, path: Path) -> "PhotoSet":
        """Read a file that `write` wrote.

        Raises:
            UnreadableFileError: the file is not such a file.
        """
        try:
            tensors = load_file(path)
            return cls(tensors["photos"], tensors["labels"])
        except (SafetensorError, KeyError) as error:
            raise UnreadableFileError(path, "a set of photos", str(error)) from error


class MemorySource(Source):
    """Two splits in memory, all photos of one size.

    Args:
        splits: train and val.
        class_names: one for each label.
        mean: mean of each channel, used to normalize.
        std: standard deviation of each channel.
    """

    def __init__(
        self, splits: Mapping[Split, PhotoSet], class_names: tuple[str, ...], mean: Statistics, std: Statistics
    ) -> None:
        self._splits = splits
        self._class_names = class_names
        self.mean = mean
        self.std = std

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names given to the constructor."""
        return self._class_names

    def prepare(self) -> None:
        """Nothing to prepare."""

    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """The photos of one split."""
        chosen = self._splits[split]
        return PhotosInMemory(chosen.photos, chosen.labels.tolist(), view)


def gathered(photos: LabeledPhotos, numbers: Sequence[int]) -> PhotoSet:
    """The photos with these indices, of one size, decoded once."""
    samples = [photos[number] for number in numbers]
    return PhotoSet(torch.stack([photo for photo, _ in samples]), torch.tensor([label for _, label in samples]))
