"""Sources of photos and labels. A source knows its classes before any photo is opened."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from rnst.data.class_check import check_classes, folders_within, listed
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

    def check(self, train: LabeledPhotos, validation: LabeledPhotos) -> list[str]:  # noqa: ARG002 - for subclasses
        """Warnings about the classes of both splits.

        Raises:
            ClassesError: they cannot be learned or measured.
        """
        return []

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
        return PhotoFiles(self._files(split), view)

    def present(self, split: Split) -> list[str]:
        """Names of the classes that have photos in one split, in the order of the labels.

        Raises:
            MissingPathError: there are no photos.
        """
        names = self.class_names
        return [names[label] for label in sorted({label for _, label in self._files(split)})]

    def unmatched(self, split: Split, *, is_own: bool) -> list[str]:
        """Warnings about classes without photos in one split and, with `is_own`, about its folders that are no class.

        Raises:
            MissingPathError: there are no photos.
        """
        there, groups = self.present(split), self._groups()
        absent = listed([name for name in groups if name not in there])
        members = {name for folders in groups.values() for name in folders}
        found = {name for root in self._roots if (root / split).is_dir() for name in subfolders(root / split)}
        others = listed(sorted(found - members)) if is_own else ""
        unseen = f"{split} has no photos of {absent}: the accuracies are those of the other classes"
        strange = f"{others} of {split} is no class: its photos are left out"
        return [unseen] * bool(absent) + [strange] * bool(others)

    def of(self, names: Sequence[str]) -> Self:
        """The same photos with these classes alone, whose labels are counted anew."""
        groups = self._groups()
        return type(self)(self._roots, {name: groups[name] for name in names})

    def check(self, train: LabeledPhotos, validation: LabeledPhotos) -> list[str]:
        """See `Source.check`; folders within class folders are reported too, as their photos are not read."""
        is_own, members = self._given is None, {name for folders in self._groups().values() for name in folders}
        there = [root / split for root in self._roots for split in ("train", "val") if (root / split).is_dir()]
        found = {name for folder in there if folder.name == "val" for name in subfolders(folder)}
        strange = sorted(found - members) if is_own else []
        warnings = check_classes(self.class_names, train.labels, validation.labels, strange, is_own=is_own)
        if inner := folders_within([folder / name for folder in there for name in sorted(members)]):
            more = f" and {len(inner) - 1} more" if len(inner) > 1 else ""
            warnings.append(f"{inner[0]}{more}: folders within a class are not read")
        return warnings

    def _files(self, split: Split) -> list[tuple[Path, int]]:
        """File and label of each photo of a split."""
        present = [root / split for root in self._roots if (root / split).is_dir()]
        folders = present or [_existing(self._roots[0] / split, f"{split} photos")]
        return list_photos(folders, self._groups())

    def _groups(self) -> Groups:
        """Class name -> its subfolders."""
        if self._given is not None:
            return self._given
        folders = [_existing(root / "train", "training photos") for root in self._roots]
        names = sorted({name for folder in folders for name in subfolders(folder)})
        if not names:
            list_photos(folders, {})  # says what is there instead
        return {name: (name,) for name in names}


def subfolders(folder: Path) -> list[str]:
    """Sorted names of the folders in a folder, without hidden ones, which programs leave behind."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _existing(folder: Path, what: str) -> Path:
    if not folder.is_dir():
        raise MissingPathError(folder.absolute(), what, ADVICE)
    return folder
