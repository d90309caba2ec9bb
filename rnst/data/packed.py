"""The table of contents of a packed data set: the class folder of each photo, by which photos are found."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnst.data.restricted_imagenet import Groups
from rnst.errors import MissingPathError, UnreadableFileError

CONTENTS = "photos.json"
_FORMAT = 1
_WHAT = "a packed data set"

Folders = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Contents:
    """The photos of a packed data set, without their pixels.

    Attributes:
        splits: name of a split -> its class folders, sorted by name, each with its number of photos. Photos are stored
            in the order of the folders, those of one folder in the order of their file names.
        size: shorter side in pixels to which larger photos were resized; None if all photos are unchanged.
    """

    splits: Mapping[str, Folders]
    size: int | None = None

    def folders(self, split: str, root: str) -> Folders:
        """Class folders of one split.

        Raises:
            MissingPathError: the split was not packed.
        """
        if split not in self.splits:
            has = ", ".join(self.splits)
            raise MissingPathError(
                f"{root}/{split}", f"{split} photos", f"This set has {has}; pack it with all splits."
            )
        return self.splits[split]

    def to_json(self) -> str:
        """The table as JSON."""
        return json.dumps({"format": _FORMAT, "size": self.size, "splits": dict(self.splits)})

    @classmethod
    def from_json(cls, text: str | bytes, name: str) -> "Contents":
        """Parse the output of `to_json`; `name` names the file in errors.

        Raises:
            UnreadableFileError: the text is not such a table.
        """
        try:
            read = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(name, _WHAT, f"it is no JSON: {error}") from error
        if not isinstance(read, dict) or read.get("format") != _FORMAT or not isinstance(read.get("splits"), dict):
            raise UnreadableFileError(name, _WHAT, f"it is not a table of photos in format {_FORMAT}")
        if not all(_are_folders(folders) for folders in read["splits"].values()):
            raise UnreadableFileError(name, _WHAT, "its class folders are not names with counts")
        splits = {split: tuple((folder, count) for folder, count in read["splits"][split]) for split in read["splits"]}
        return cls(splits, read.get("size") if isinstance(read.get("size"), int) else None)


def numbers_and_labels(folders: Folders, groups: Groups) -> tuple[list[int], list[int]]:
    """Indices of the photos of a split that belong to `groups`, and their labels, in the order of `list_photos`.

    Args:
        folders: class folders of the split.
        groups: class name -> its folders; the order of the names gives the labels.
    """
    ranges: dict[str, range] = {}
    first = 0
    for folder, count in folders:
        ranges[folder] = range(first, first + count)
        first += count
    numbers: list[int] = []
    labels: list[int] = []
    for label, members in enumerate(groups.values()):
        for folder in members:
            found = ranges.get(folder, range(0))
            numbers += found
            labels += [label] * len(found)
    return numbers, labels


def _are_folders(read: object) -> bool:
    return isinstance(read, Sequence) and all(
        isinstance(pair, list)
        and [type(part) for part in pair] == [str, int]  # not isinstance: a bool is an int
        and pair[1] >= 0
        for pair in read
    )
