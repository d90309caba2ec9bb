"""Photos without labels: every photo below some folders. A teacher says what they show."""

import zlib
from collections.abc import Sequence
from pathlib import Path

from rnst.data.photos import LabeledPhotos, PhotoFiles, Preprocessing, is_photo
from rnst.data.sources import Source, Split
from rnst.errors import MissingPathError

_SPLITS = ("train", "val")
_HELD_OUT = 50  # where no folder has a val of its own, one photo in so many is validated on
_ADVICE = "Give --data.root a folder with photos; they may lie in subfolders."


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
        """List the files; they are opened one by one.

        Raises:
            MissingPathError: there is no photo.
        """
        if any((root / "val").is_dir() for root in self._roots):
            found = [path for root in self._roots for path in _tree(_part(root, split))]
        else:
            every = [(root, path) for root in self._roots for path in _tree(_part(root, "train"))]
            found = [path for root, path in every if _is_held_out(root, path) == (split == "val")]
        if not found:
            raise MissingPathError(self._roots[0].absolute(), f"{split} photos", _ADVICE)
        return PhotoFiles([(path, 0) for path in found], view)


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


def _is_held_out(root: Path, path: Path) -> bool:
    return zlib.crc32(path.relative_to(root).as_posix().encode()) % _HELD_OUT == 0
