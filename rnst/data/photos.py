"""Photos in class folders as tensors: decode, reduce, crop. Bytes all the way; floats are made on the device."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.io import ImageReadMode, decode_image, read_file
from torchvision.transforms import v2

from rnst.errors import MissingPathError, UnreadableFileError

_ENDINGS = frozenset({".jpeg", ".jpg", ".png", ".webp"})

Transform = Callable[[Tensor], Tensor]


def list_photos(folder: Path, classes: Mapping[str, Sequence[str]]) -> list[tuple[Path, int]]:
    """Files and labels of all photos in `folder`, whose subfolders are named by the values of `classes`.

    Args:
        folder: one split of a data set, as `root/train`.
        classes: class name -> names of its subfolders; the order of the names gives the labels.

    Raises:
        MissingPathError: no photo was found.
    """
    found = [
        (path, label)
        for label, subfolders in enumerate(classes.values())
        for subfolder in subfolders
        for path in sorted((folder / subfolder).glob("*"))
        if path.suffix.lower() in _ENDINGS
    ]
    if not found:
        raise MissingPathError(folder, "class folders with photos", "Give the folder that holds train and val.")
    return found


class Photos(Dataset[tuple[Tensor, int]]):
    """Photos reduced to a shorter side, then transformed.

    Args:
        files: path and label of each photo.
        shorter_side: pixels; a photo is reduced (or enlarged) to it before `transform`. None keeps its size.
        transform: (3, H, W) uint8 to (3, S, S) uint8.
        cache: keep the reduced photos in memory. Good for small sets: decoding is then paid for once.
    """

    def __init__(
        self, files: Sequence[tuple[Path, int]], shorter_side: int | None, transform: Transform, *, cache: bool
    ) -> None:
        self._files = files
        self._shorter_side = shorter_side
        self._transform = transform
        self._cache: dict[int, Tensor] | None = {} if cache else None

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Photo (3, S, S) uint8 and its label."""
        return self._transform(self._reduced(index)), self._files[index][1]

    def _reduced(self, index: int) -> Tensor:
        if self._cache is None:
            return self._decode(index)
        if index not in self._cache:
            self._cache[index] = self._decode(index)
        return self._cache[index]

    def _decode(self, index: int) -> Tensor:
        path = self._files[index][0]
        try:
            photo: Tensor = decode_image(read_file(str(path)), mode=ImageReadMode.RGB)
        except RuntimeError as error:
            raise UnreadableFileError(path, "a photo", str(error).splitlines()[0]) from error
        photo = v2.functional.to_dtype(photo, torch.uint8, scale=True)  # a PNG may hold 16 bits
        if self._shorter_side is not None:
            photo = v2.functional.resize(photo, [self._shorter_side], antialias=True)
        return photo


def training_transform(image_size: int, crop: str) -> Transform:
    """Random square crops of `image_size` pixels, and flips.

    Args:
        image_size: side of the crop.
        crop: "resized" takes 8 to 100 % of the area and rescales it (the ImageNet recipe); "shifted" only moves a
            window.
    """
    window: Transform = v2.RandomCrop(image_size, pad_if_needed=True)
    if crop == "resized":
        window = v2.RandomResizedCrop(image_size, antialias=True)
    transform: Transform = v2.Compose([window, v2.RandomHorizontalFlip()])
    return transform


def evaluation_transform(image_size: int) -> Transform:
    """The square of `image_size` pixels in the middle."""
    transform: Transform = v2.CenterCrop(image_size)
    return transform
