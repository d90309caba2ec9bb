"""Photos without labels: all photos in folder trees. A teacher labels them."""

import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rnst.data.photos import LabeledPhotos, PhotoFiles, Preprocessing, is_photo
from rnst.data.sources import Source, Split
from rnst.errors import MissingPathError

_SPLITS = ("train", "val")
_HELD_OUT = 50  # if no folder has its own val, one of so many photos is held out for validation
_ADVICE = "Give --data.root a folder with two photos or more; they may be in subfolders."


class _Photo(NamedTuple):
    """A photo: the path at which it was found, and its name relative to the root."""

    path: Path
    name: str


class UnlabeledSource(Source):
    """All photos of folder trees, each with the meaningless label 0.

    A root with a subfolder train has the splits train and val. A root without one is all training photos. If no root
    has a val, one photo in fifty is held out for validation, chosen by its name, so the choice never changes.

    Args:
        roots: folders, searched with all their subfolders except hidden ones; links to folders are followed.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Empty: the classes of a training are those of its teacher."""
        return ()

    def prepare(self) -> None:
        """Check that the folders exist."""
        for root in self._roots:
            if not root.is_dir():
                raise MissingPathError(root.absolute(), "photos", _ADVICE)

    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """List the files; each is opened when it is used. A photo that several roots contain counts once.

        Raises:
            MissingPathError: there is no photo, or a single one, too few for training and validation.
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
        """Photos of a split by resolved path; root by root, sorted by name."""
        found: dict[Path, _Photo] = {}
        for root in self._roots:
            for path in _tree(_part(root, split)):
                found.setdefault(path.resolve(), _Photo(path, path.relative_to(root).as_posix()))
        return found


def _part(root: Path, split: Split) -> Path | None:
    """The folder below `root` with the photos of a split; None if there is none."""
    if any((root / name).is_dir() for name in _SPLITS):
        return root / split
    return root if split == "train" else None


def _tree(folder: Path | None) -> list[Path]:
    """Photos in a folder and its subfolders, sorted by name; those behind links come last, link by link."""
    starts = [] if folder is None else [folder]
    found: list[Path] = []
    visited: set[str] = set()
    for start in starts:  # which grows by the links
        photos = []
        for place, subfolders, files in os.walk(start):
            real = os.path.realpath(place)
            subfolders[:] = [] if real in visited else sorted(name for name in subfolders if not name.startswith("."))
            if real not in visited:
                photos += [path for name in files if is_photo(path := Path(place, name))]
            visited.add(real)
            starts += [path for name in subfolders if (path := Path(place, name)).is_symlink()]
        found += sorted(photos)
    return found


def _held_out(photos: Mapping[Path, _Photo]) -> dict[Path, _Photo]:
    """About one photo in fifty, chosen by a hash of its name, and at least one."""
    hashes = {photo: zlib.crc32(one.name.encode()) for photo, one in photos.items()}
    chosen = {photo for photo, value in hashes.items() if value % _HELD_OUT == 0}
    chosen = chosen or set(sorted(hashes, key=hashes.__getitem__)[:1])
    return {photo: one for photo, one in photos.items() if photo in chosen}
