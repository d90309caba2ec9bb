"""Photos as tensors: find, decode, resize, crop. Photos stay uint8; the device converts them to floats."""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info
from torchvision.transforms import v2

from rnst.data.broken import BROKEN, BrokenPhotos
from rnst.data.class_check import listed
from rnst.data.crops import Transform
from rnst.data.fast_decoding import decode_fast
from rnst.errors import MissingPathError, UnreadableFileError, WorkerError
from rnst.image.files import image_from_bytes, to_bytes
from rnst.image.opening import DAMAGED, most_pixels, readable_endings, too_many

_SIDE_OF_NOTHING = 256  # pixels of what is in the place of a photo that is left out, before its crop
_ADVICE = "Give the folder that holds train and val with one folder for each class."


@dataclass(frozen=True)
class Preprocessing:
    """How photos are prepared.

    Attributes:
        shorter_side: side in pixels to which the shorter side is resized first; None keeps the size.
        transform: (3, H, W) uint8 to (3, S, S) uint8.
        cache: keep the resized photos in memory. Good for small sets, as each photo is then decoded once.
        broken: takes note of unreadable photos; None makes each of them an error.
        replaces: the next photo takes the place of an unreadable one; otherwise a sample with the label BROKEN does.
    """

    shorter_side: int | None
    transform: Transform
    cache: bool = False
    broken: BrokenPhotos | None = None
    replaces: bool = False


def list_photos(folders: Path | Sequence[Path], classes: Mapping[str, Sequence[str]]) -> list[tuple[Path, int]]:
    """Files and labels of all photos in `folders`, whose subfolders are named by the values of `classes`.

    Args:
        folders: one split of a data set, as `root/train`; or the same split of several.
        classes: class name -> names of its subfolders; the order of the names gives the labels.

    Raises:
        MissingPathError: no photo was found.
    """
    folders = [folders] if isinstance(folders, Path) else folders
    found = [
        (path, label)
        for label, subfolders in enumerate(classes.values())
        for subfolder in subfolders
        for folder in folders
        for path in _photos_in(folder / subfolder)
    ]
    if not found:
        raise MissingPathError(folders[0], "class folders with photos", _advice(folders, list(classes)))
    return found


def is_photo(path: Path) -> bool:
    """Whether the name of a file is that of a photo in a supported format; hidden files are none."""
    return path.suffix.lower() in readable_endings() and not path.name.startswith(".")


def _photos_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:  # which knows folders without asking for each file
        return sorted(path for entry in entries if is_photo(path := folder / entry.name) and not entry.is_dir())


def _advice(folders: Sequence[Path], classes: Sequence[str]) -> str:
    """What is wrong with a split that has no photos in its class folders."""
    if others := sorted({path.parent.name for folder in folders for path in folder.glob("*/*") if is_photo(path)}):
        return f"It has photos of {listed(others)}; the classes are {listed(classes)}."
    if any(is_photo(path) for folder in folders for path in folder.glob("*")):
        return "Its photos must be sorted into one folder for each class."
    if any(is_photo(path) for folder in folders for path in folder.glob("*/*/*")):
        return "Its photos must lie directly in the class folders, and not in folders within them."
    return _ADVICE


class LabeledPhotos(Dataset[tuple[Tensor, int]], ABC):
    """Photos by index, resized to a shorter side, then transformed.

    Args:
        labels: class number of each photo.
        view: preprocessing of the photos.
    """

    def __init__(self, labels: Sequence[int], view: Preprocessing) -> None:
        self.labels = labels
        self._view = view
        self._cache: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Photo (3, S, S) uint8 and its label.

        Raises:
            RnstError: the photo cannot be read, and is not skipped.
        """
        first, photo = index, None
        while photo is None:
            try:
                photo = self._reduced(index)
            except UnreadableFileError as error:
                self._note(index, error)
                if not self._view.replaces:
                    return self._nothing()
                index = (index + 1) % len(self)
                if index == first % len(self):
                    raise WorkerError(f"{error}; nor can any other photo be read") from error
        return self._view.transform(photo), self.labels[index]

    def name_of(self, index: int) -> str:
        """How a photo is called in reports."""
        return f"number {index}"

    @abstractmethod
    def decode(self, index: int) -> Tensor:
        """Photo (3, H, W) uint8 at its stored size."""

    def _note(self, index: int, error: UnreadableFileError) -> None:
        """Take note of an unreadable photo, or raise its error."""
        if self._view.broken is not None:
            self._view.broken.note(index, error)
        elif get_worker_info() is None:
            raise error
        else:
            raise WorkerError(str(error)) from error

    def _nothing(self) -> tuple[Tensor, int]:
        """The sample in the place of an unreadable photo."""
        nothing = torch.zeros(3, _SIDE_OF_NOTHING, _SIDE_OF_NOTHING, dtype=torch.uint8)
        return self._view.transform(reduced(nothing, self._view.shorter_side)), BROKEN

    def _reduced(self, index: int) -> Tensor:
        if index in self._cache:
            return self._cache[index]
        photo = reduced(self.decode(index), self._view.shorter_side, self.name_of(index))
        if self._view.cache:
            self._cache[index] = photo
        return photo


class PhotoFiles(LabeledPhotos):
    """Photos stored as files.

    Args:
        files: path and label of each photo.
        view: preprocessing of the photos.
    """

    def __init__(self, files: Sequence[tuple[Path, int]], view: Preprocessing) -> None:
        super().__init__([label for _, label in files], view)
        self.paths = [path for path, _ in files]

    def name_of(self, index: int) -> str:
        """The path of the file."""
        return str(self.paths[index])

    def decode(self, index: int) -> Tensor:
        """Read and decode one file."""
        return decode_photo(self.paths[index])


class PhotosInMemory(LabeledPhotos):
    """Photos decoded in memory.

    Args:
        photos: (N, 3, H, W) uint8.
        labels: class number of each photo.
        view: preprocessing of the photos.
    """

    def __init__(self, photos: Tensor, labels: Sequence[int], view: Preprocessing) -> None:
        super().__init__(labels, view)
        self._photos = photos

    def decode(self, index: int) -> Tensor:
        """One photo."""
        return self._photos[index]


def decode_photo(path: Path) -> Tensor:
    """A photo file as (3, H, W) uint8 RGB; see `decode_content`.

    Raises:
        UnreadableFileError: the file is not a photo, is damaged, or has more than 178 million pixels.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(path, "a photo", error.strerror or str(error)) from error
    if not content:
        raise UnreadableFileError(path, "a photo", "it is empty")
    return decode_content(torch.frombuffer(bytearray(content), dtype=torch.uint8), path)


def decode_content(content: Tensor, name: Path | str) -> Tensor:
    """Decode the bytes (uint8) of a photo file of any format to (3, H, W) uint8 RGB; `name` names the file in errors.

    The orientation tag is applied, and transparency is composited over white. Color profiles of JPEG and WebP files
    are ignored.

    Raises:
        UnreadableFileError: the bytes are not a photo, are damaged, or have more than 178 million pixels.
    """
    with suppress(*DAMAGED):  # Pillow reads some damaged files, and its reasons are for users
        if (photo := decode_fast(content)) is not None:
            return photo
    return _through_pillow(content, name)


def reduced(photo: Tensor, shorter_side: int | None, name: Path | str = "the photo") -> Tensor:
    """Resize a photo (3, H, W) uint8 to `shorter_side` pixels and keep its aspect ratio; None keeps its size.

    Raises:
        UnreadableFileError: so long a photo would have more than 178 million pixels; `name` names it.
    """
    short, long = sorted(photo.shape[-2:])
    if shorter_side is None or short == shorter_side:
        return photo
    pixels = math.ceil(shorter_side**2 * long / short)
    if pixels > most_pixels():
        reason = f"it is {short} by {long}; resized to a shorter side of {shorter_side}, {too_many(pixels)}"
        raise UnreadableFileError(name, "a photo", reason)
    resized: Tensor = v2.functional.resize(photo, [shorter_side], antialias=True)
    return resized


def _through_pillow(content: Tensor, name: Path | str) -> Tensor:
    image = image_from_bytes(content.numpy().tobytes(), name)
    return torch.from_numpy(to_bytes(image)).permute(2, 0, 1).contiguous()
