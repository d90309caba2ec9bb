"""Clean photos with their corrupted versions: computed from a seed, or read from folders in ImageNet-C's layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset
from torchvision.transforms import v2

from rnst.corruptions.table import CORRUPTIONS, corrupted
from rnst.data.order import Sample, derived_seed
from rnst.data.photos import PhotoFiles, decode_photo, reduced
from rnst.errors import InvalidValueError, MissingPathError

_ADVICE = (
    "Give the folder that holds CORRUPTION/SEVERITY/CLASS/PHOTO, all photos with the file names of --data, as the "
    "unpacked archives of ImageNet-C do."
)


@dataclass(frozen=True)
class Condition:
    """One corruption at one severity."""

    corruption: str
    severity: int


class CorruptedPhotos(Dataset[tuple[Tensor, int]]):
    """Each photo in all its versions at once, the clean one first, so that it is decoded once.

    The randomness of a corruption depends on the seed, the corruption and the photo's index alone: batches, worker
    processes and the choice of other conditions change nothing.

    Args:
        photos: uint8 photos of one size.
        conditions: corrupted versions to produce.
        seed: seed of all randomness.
    """

    def __init__(self, photos: Subset[Sample], conditions: Sequence[Condition], seed: int) -> None:
        self.photos = photos
        self.conditions = conditions
        self.seed = seed

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Versions (1 + conditions, 3, S, S) uint8 of one photo, and its label."""
        photo, label = self.photos[index]
        number = self.photos.indices[index]
        return torch.stack([photo, *(self._corrupted(photo, one, number) for one in self.conditions)]), label

    def _corrupted(self, photo: Tensor, condition: Condition, number: int) -> Tensor:
        place = list(CORRUPTIONS).index(condition.corruption)
        return corrupted(photo, condition.corruption, condition.severity, derived_seed(self.seed, place, number))


class PublishedCorruptions(CorruptedPhotos):
    """Corrupted photos that others have published, stored as `folder/CORRUPTION/SEVERITY/CLASS/PHOTO`.

    Args:
        photos: clean photo files; corrupted files are found by their names.
        conditions: corrupted versions to read.
        folder: contains one subfolder for each corruption.
        size: side of the square photos in pixels.

    Raises:
        InvalidValueError: the clean photos are not files.
        MissingPathError: a corrupted photo is missing.
    """

    def __init__(self, photos: Subset[Sample], conditions: Sequence[Condition], folder: Path, size: int) -> None:
        super().__init__(photos, conditions, seed=0)
        files = photos.dataset
        if not isinstance(files, PhotoFiles):
            raise InvalidValueError("--corrupted", str(folder), "left out where --data is no folder of photo files")
        self._paths = files.paths
        self._folder, self._size = folder, size
        for condition in conditions:
            for number in photos.indices:
                path = self._path(condition, number)
                if not path.is_file():
                    raise MissingPathError(path, "corrupted photo", _ADVICE)

    def _path(self, condition: Condition, number: int) -> Path:
        clean = self._paths[number]
        return self._folder / condition.corruption / str(condition.severity) / clean.parent.name / clean.name

    def _corrupted(self, photo: Tensor, condition: Condition, number: int) -> Tensor:  # noqa: ARG002 - it is read
        spoiled = reduced(decode_photo(self._path(condition, number)), self._size)
        middle: Tensor = v2.functional.center_crop(spoiled, [self._size, self._size])
        return middle
