"""Photos as they are and spoiled in many ways: made here from a seed, or read from folders as ImageNet-C has them."""

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
    """What happens to a photo."""

    corruption: str
    severity: int


class CorruptedPhotos(Dataset[tuple[Tensor, int]]):
    """Each photo in all its versions at once, the clean one first: it is decoded once.

    What a corruption draws follows from the seed, the corruption and the number of the photo in its data set; so it
    does not depend on batches, on decoding processes, or on what else is measured.

    Args:
        photos: of one size, uint8.
        conditions: versions that are wanted.
        seed: of all that is random.
    """

    def __init__(self, photos: Subset[Sample], conditions: Sequence[Condition], seed: int) -> None:
        self.photos = photos
        self.conditions = conditions
        self.seed = seed

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Versions (1 + conditions, 3, S, S) uint8 of a photo, and its label."""
        photo, label = self.photos[index]
        number = self.photos.indices[index]
        return torch.stack([photo, *(self._spoiled(photo, one, number) for one in self.conditions)]), label

    def _spoiled(self, photo: Tensor, condition: Condition, number: int) -> Tensor:
        place = list(CORRUPTIONS).index(condition.corruption)
        return corrupted(photo, condition.corruption, condition.severity, derived_seed(self.seed, place, number))


class PublishedCorruptions(CorruptedPhotos):
    """Versions that somebody else made and published, as `folder/CORRUPTION/SEVERITY/CLASS/PHOTO`.

    Args:
        photos: clean files; their names tell which spoiled files belong to them.
        conditions: versions that are wanted.
        folder: with a subfolder for each corruption.
        size: side of the square photos in pixels.

    Raises:
        InvalidValueError: the clean photos are no files.
        MissingPathError: a spoiled photo is not there.
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

    def _spoiled(self, photo: Tensor, condition: Condition, number: int) -> Tensor:  # noqa: ARG002 - it is read
        spoiled = reduced(decode_photo(self._path(condition, number)), self._size)
        middle: Tensor = v2.functional.center_crop(spoiled, [self._size, self._size])
        return middle
