"""Whether the classes of a data set can be learned and measured, checked before a training."""

import os
from collections.abc import Sequence
from pathlib import Path

from rnst.errors import RnstError

_NAMED = 5
_LEAST_CLASSES = 2


class ClassesError(RnstError):
    """The photos of a data set do not make a classification."""


def check_classes(
    names: Sequence[str], train: Sequence[int], validation: Sequence[int], strange: Sequence[str], *, is_own: bool
) -> list[str]:
    """Warnings about classes that only one split has.

    Args:
        names: name of each class.
        train: label of each training photo.
        validation: label of each validation photo.
        strange: folders of the validation split that are no class.
        is_own: the folders of the training photos make the classes, so each of them must have photos.

    Raises:
        ClassesError: fewer than two classes have photos, a folder of the user's has none, or the folders of the two
            splits have different names.
    """
    learned, measured = set(train), set(validation)
    if len(learned) < _LEAST_CLASSES:
        only = names[next(iter(learned))] if learned else "no class"
        raise ClassesError(f"there are training photos of {only} alone: give photos of at least two classes")
    empty = listed([name for label, name in enumerate(names) if label not in learned])
    unseen = listed([name for label, name in enumerate(names) if label in learned and label not in measured])
    others = listed(strange)
    if empty and is_own:
        raise ClassesError(f"train has no photos of {empty}: add some directly in that folder, or remove it")
    if unseen and others and is_own:
        raise ClassesError(
            f"val has no photos of {unseen}, and train has no class {others}: give the folders of both the same names"
        )
    warnings = []
    if empty:
        warnings.append(f"train has no photos of {empty}: these classes are not learned")
    if unseen:
        warnings.append(f"val has no photos of {unseen}: the accuracies are those of the other classes")
    if others:
        warnings.append(f"{others} of val is no class of train: its photos are left out")
    return warnings


def folders_within(folders: Sequence[Path]) -> list[Path]:
    """Folders inside of class folders, whose photos are not read."""
    found = []
    for folder in folders:
        if folder.is_dir():
            with os.scandir(folder) as entries:  # which knows folders without asking for each of many photos
                found += [folder / one.name for one in entries if not one.name.startswith(".") and one.is_dir()]
    return sorted(found)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
