"""Sources of photos and labels. A source knows its classes before any photo is opened."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rnst.data.imagenet import IMAGENET
from rnst.data.photos import LabeledPhotos, PhotoFiles, Preprocessing, list_photos
from rnst.data.restricted_imagenet import RESTRICTED_IMAGENET, RESTRICTED_IMAGENET_BALANCED, Groups
from rnst.errors import MissingPathError
from rnst.normalization import IMAGENET_MEAN, IMAGENET_STD

Split = Literal["train", "val"]
Statistics = tuple[float, float, float]
Classes = Literal["folders", "imagenet", "restricted_imagenet", "restricted_imagenet_balanced", "none"]

KNOWN_GROUPS: dict[str, Groups] = {
    "imagenet": {wordnet_id: (wordnet_id,) for wordnet_id in IMAGENET},
    "restricted_imagenet": RESTRICTED_IMAGENET,
    "restricted_imagenet_balanced": RESTRICTED_IMAGENET_BALANCED,
}
ADVICE = (
    "Give --data.root the folder that holds train and val with one folder for each class; "
    "configs/train/imagenette.yaml trains on a set of 10 classes and names the place where it is published."
)


class Source(ABC):
    """A set of photos in two splits."""

    mean: Statistics = IMAGENET_MEAN
    std: Statistics = IMAGENET_STD

    @property
    @abstractmethod
    def class_names(self) -> tuple[str, ...]:
        """One name for each label."""

    @abstractmethod
    def prepare(self) -> None:
        """Download missing data, or raise an error; called before a training in one process of each machine."""

    @abstractmethod
    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """The photos of one split."""


class FolderSource(Source):
    """Photos in `ROOT/train/CLASS/` and `ROOT/val/CLASS/`.

    Args:
        roots: folders with train and val; a class may have photos in several of them, and val may be absent in some.
        groups: class name -> its subfolders, as in KNOWN_GROUPS. None makes each subfolder of train a class.
    """

    def __init__(self, roots: Path | Sequence[Path], groups: Groups | None = None) -> None:
        self._roots = (roots,) if isinstance(roots, Path) else tuple(roots)
        self._given = groups

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the groups or of the folders."""
        return tuple(self._groups())

    def prepare(self) -> None:
        """Check that the folders of the training photos exist."""
        for root in self._roots:
            _existing(root / "train", "training photos")

    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """List the files; each is opened when it is used."""
        present = [root / split for root in self._roots if (root / split).is_dir()]
        folders = present or [_existing(self._roots[0] / split, f"{split} photos")]
        return PhotoFiles(list_photos(folders, self._groups()), view)

    def _groups(self) -> Groups:
        """Class name -> its subfolders."""
        if self._given is not None:
            return self._given
        folders = [_existing(root / "train", "training photos") for root in self._roots]
        names = sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()})
        return {name: (name,) for name in names}


def _existing(folder: Path, what: str) -> Path:
    if not folder.is_dir():
        raise MissingPathError(folder.absolute(), what, ADVICE)
    return folder
