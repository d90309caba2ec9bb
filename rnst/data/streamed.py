"""Photos that `rnst pack` wrote, read from a disk or from a bucket by litdata.

Photos are read by number, so order, crops, shares of devices and resume are those of `rnst.data.order`: on the packed
form a training gives what it gives on the folder, bit for bit where nothing was reduced. This holds for buckets, too.
What differs there is cost. Nothing but the indices is kept on the disk: each photo is fetched each time it is looked
at, by two requests of a byte range. Decoding processes overlap them; more of them hide more of the waiting. Where the
set fits on a disk of each machine, copying it there once is faster.

What a set says is not trusted: litdata can unpickle, and would where an index asks for it. Here an index may name bytes
and whole numbers alone, and every other reader of litdata is replaced by one that refuses.
"""

import io
import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnst.data.packed import CONTENTS, Contents, Folders, numbers_and_labels
from rnst.data.photos import LabeledPhotos, Preprocessing, decode_content
from rnst.data.restricted_imagenet import Groups
from rnst.data.sources import Source, Split
from rnst.errors import MissingExtraError, MissingPathError, RnstError, UnreadableFileError

DATA_FORMAT = ["bytes", "int"]
_BUCKETS = ("s3://", "gs://", "r2://")  # those of which litdata fetches a single photo, not its whole chunk
_INDEX = "index.json"
_ADVICE = "Give --data.root what rnst pack wrote, or leave out --data.source streamed for a folder of photos."
_PLAIN = {
    "data_format": DATA_FORMAT,
    "item_loader": "PyTreeLoader",
    "compression": None,
    "encryption": None,
    "format": None,
}


class StreamedSource(Source):
    """A packed data set.

    Args:
        root: folder, or address in a bucket, that `rnst pack` filled.
        groups: class name -> its folders, as those of KNOWN_GROUPS. None makes each folder of train a class.
    """

    def __init__(self, root: str, groups: Groups | None = None) -> None:
        self._root = root.rstrip("/")
        self._given = groups
        self._read: Contents | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the groups or of the folders."""
        return tuple(self._groups())

    def prepare(self) -> None:
        """Look for the set: it must be there."""
        self._contents().folders("train", self._root)

    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """The photos of one split; they are read one by one.

        Raises:
            MissingExtraError: litdata is not installed.
            MissingPathError: the set, or this split of it, is not there, or holds no photo of these classes.
            UnreadableFileError: its index asks for more than reading bytes and numbers.
        """
        _streaming_dataset()
        folders = self._contents().folders(split, self._root)
        numbers, labels = numbers_and_labels(folders, self._groups())
        root = f"{self._root}/{split}"
        if not numbers:
            raise MissingPathError(root, "photos of these classes", "It was packed from other folders.")
        check_index(_text(root, _INDEX), f"{root}/{_INDEX}", sum(count for _, count in folders))
        return StreamedPhotos(root, folders, (numbers, labels), view)

    def _contents(self) -> Contents:
        if self._read is None:
            self._read = Contents.from_json(_text(self._root, CONTENTS), f"{self._root}/{CONTENTS}")
        return self._read

    def _groups(self) -> Groups:
        """Class name -> its folders."""
        if self._given is not None:
            return self._given
        return {folder: (folder,) for folder, _ in self._contents().folders("train", self._root)}


class StreamedPhotos(LabeledPhotos):
    """The photos of one packed split.

    Args:
        root: folder or address of the split.
        folders: its class folders.
        chosen: numbers of the photos that are looked at, and their labels.
        view: how they are looked at.
    """

    def __init__(self, root: str, folders: Folders, chosen: tuple[list[int], list[int]], view: Preprocessing) -> None:
        numbers, labels = chosen
        super().__init__(labels, view)
        self._root = root
        self._numbers = torch.tensor(numbers)
        self._folder_of = torch.arange(len(folders)).repeat_interleave(torch.tensor([count for _, count in folders]))
        self._folders = folders
        self._opened: tuple[int, Any] | None = None
        if root.startswith(_BUCKETS):
            self._dataset()  # clears an outdated cache; decoding processes that do so are in each other's way

    def decode(self, index: int) -> Tensor:
        """Read and decode one photo.

        Raises:
            UnreadableFileError: it is damaged, or not the photo that should be there.
        """
        number = int(self._numbers[index])
        folder = int(self._folder_of[number])
        name = f"photo {number} ({self._folders[folder][0]}) of {self._root}"
        try:
            content, stored = self._dataset()[number]
        except RnstError:
            raise
        except Exception as error:  # a disk, a network and each kind of bucket have their own
            raise UnreadableFileError(name, "a packed photo", _first_line(error)) from error
        if stored != folder:
            raise UnreadableFileError(name, "a packed photo", f"the chunks and {CONTENTS} are not of the same set")
        return decode_content(torch.frombuffer(bytearray(content), dtype=torch.uint8), name)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is open: files and connections do not travel to another process."""
        return {**self.__dict__, "_opened": None}

    def _dataset(self) -> Any:
        """Litdata's reader, opened once in each process."""
        if self._opened is None or self._opened[0] != os.getpid():
            # Else litdata deserializes 256 photos to give one of them.
            reader = _streaming_dataset()(self._root, serializers=_serializers(), batch_decode=0)
            self._opened = (os.getpid(), reader)
        return self._opened[1]


def check_index(text: str, name: str, photos: int) -> None:
    """See that litdata reads nothing but bytes and numbers, from files within the set.

    Args:
        text: of an index of litdata.
        name: what an error calls it.
        photos: how many there must be.

    Raises:
        UnreadableFileError: the index says otherwise.
    """
    what = "the index of a packed data set"
    try:
        read = json.loads(text)
        config, chunks = read["config"], read["chunks"]
        files = [str(chunk["filename"]) for chunk in chunks]
        count = sum(int(chunk["chunk_size"]) for chunk in chunks)
        told = {key: config.get(key) for key in _PLAIN}
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableFileError(name, what, f"it is incomplete ({_first_line(error)})") from error
    for key, wanted in _PLAIN.items():
        if told[key] != wanted:
            reason = f"its {key} is {told[key]!r}, but only {wanted!r} is read, which runs no code; rnst pack writes it"
            raise UnreadableFileError(name, what, reason)
    if any(Path(file).name != file or not file.endswith(".bin") for file in files):
        raise UnreadableFileError(name, what, "it names files outside of the set")
    if count != photos:
        raise UnreadableFileError(name, what, f"it has {count} photos, {CONTENTS} has {photos}")


def _text(root: str, file: str) -> str:
    """A small file of a set."""
    if not root.startswith(_BUCKETS):
        path = Path(root) / file
        if not path.is_file():
            raise MissingPathError(path, "packed data set", _ADVICE)
        return path.read_text(encoding="utf-8")
    _streaming_dataset()
    from litdata.streaming.downloader import get_downloader

    content = io.BytesIO()
    try:
        get_downloader(root, "", []).download_fileobj(f"{root}/{file}", content)
        return content.getvalue().decode()
    except Exception as error:  # each kind of bucket has its own
        raise MissingPathError(f"{root}/{file}", "packed data set", f"{_first_line(error)}. {_ADVICE}") from error


def _streaming_dataset() -> Any:
    """Litdata's reader. It is imported where it is used, because that takes a second."""
    try:
        from litdata import StreamingDataset
    except ImportError as error:
        raise MissingExtraError("--data.source streamed", "streaming") from error
    return StreamingDataset


def _serializers() -> dict[str, Any]:
    """Litdata's readers of all types by name; those but of bytes and numbers refuse."""
    from litdata.streaming.serializers import _get_serializers

    return {name: known if name in DATA_FORMAT else _Refusal() for name, known in _get_serializers(None).items()}


class _Refusal:
    """In the place of a serializer of litdata."""

    def setup(self, _metadata: object) -> None:
        """Litdata calls it for each type of an index, before the first photo."""
        raise UnreadableFileError("an index", "one of a packed data set", "it asks for more than bytes and numbers")

    def deserialize(self, _data: object) -> None:
        """Never."""
        self.setup(None)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
