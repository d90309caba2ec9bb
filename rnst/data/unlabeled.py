"""Photos without labels: every photo below some folders. A teacher says what they show."""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rnst.data.photos import LabeledPhotos, PhotoFiles, Preprocessing, is_photo
from rnst.data.sources import Source, Split
from rnst.errors import MissingPathError

_SPLITS = ("train", "val")
_HELD_OUT = 50  # where no folder has a val of its own, one photo in so many is validated on
_ADVICE = "Give --data.root a folder with two photos or more; they may be in subfolders."


class _Photo(NamedTuple):
    """A photo by the path at which it was found, and by its name below the root."""

    path: Path
    name: str


class UnlabeledSource(Source):
    """All photos of folder trees, each with the label 0, which means nothing.

    A root with a subfolder train is split as ever: train trains, val validates. A root without one is all training.
    Where no root has a val, one photo in fifty is held out for validation: its name decides, so it is always the same.

    Args:
        roots: folders, searched with all their subfolders except hidden ones.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)

    @property
    def class_names(self) -> tuple[str, ...]:
        """None: the teacher's classes are those of the training."""
        return ()

    def prepare(self) -> None:
        """Require the folders."""
        for root in self._roots:
            if not root.is_dir():
                raise MissingPathError(root.absolute(), "photos", _ADVICE)

    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """List the files; they are opened one by one. A photo that several roots hold counts once.

        Raises:
            MissingPathError: there is no photo, or a single one, which cannot train and validate.
        """
        train, validation = self._listed("train"), self._listed("val")
        if not any((root / "val").is_dir() for root in self._roots):
            validation = _held_out(train)
        train = {photo: one for photo, one in train.items() if photo not in validation}
        found = validation if split == "val" else train
        if not found:
            raise MissingPathError(self._roots[0].absolute(), f"{split} photos", _ADVICE)
        return PhotoFiles([(one.path, 0) for one in found.values()], view)

    def _listed(self, split: Split) -> dict[Path, _Photo]:
        """Photos of a split by the file that all links lead to; root by root, sorted by name."""
        found: dict[Path, _Photo] = {}
        for root in self._roots:
            for path in _tree(_part(root, split)):
                found.setdefault(path.resolve(), _Photo(path, path.relative_to(root).as_posix()))
        return found


def _part(root: Path, split: Split) -> Path | None:
    """Where the photos of a split lie below `root`; None where there are none."""
    if any((root / name).is_dir() for name in _SPLITS):
        return root / split
    return root if split == "train" else None


def _tree(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    found = (path for path in folder.rglob("*") if is_photo(path))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _held_out(photos: Mapping[Path, _Photo]) -> dict[Path, _Photo]:
    """One photo in fifty, and at least one; a hash of its name decides."""
    hashes = {photo: zlib.crc32(one.name.encode()) for photo, one in photos.items()}
    chosen = {photo for photo, value in hashes.items() if value % _HELD_OUT == 0}
    chosen = chosen or set(sorted(hashes, key=hashes.__getitem__)[:1])
    return {photo: one for photo, one in photos.items() if photo in chosen}
