"""Photos that `rnst pack` wrote, read from a disk or from a bucket by litdata.

Photos are read by index, so order, crops, sharding and resuming follow `rnst.data.order`: a training on the packed
set gives the same result as on the folder, bit for bit if no photo was resized. The same holds for buckets, but at
another cost. Only the indices are kept on the disk: each access to a photo fetches it by two requests of a byte range.
Worker processes overlap the requests; more of them hide more of the latency. If the set fits on a disk of each machine,
copying it there once is faster.

The content of a set is not trusted: litdata can unpickle, and imports modules, and does if an index asks for it. Here
an index may only ask for pairs of bytes and integers; every other deserializer of litdata is replaced by one that
refuses.
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
_BUCKETS = ("s3://", "gs://", "r2://")  # for these, litdata fetches a single photo and not its whole chunk
_INDEX = "index.json"
_ADVICE = "Give --data.root what rnst pack wrote, or leave out --data.source streamed for a folder of photos."
_PLAIN = {
    "data_format": DATA_FORMAT,
    "item_loader": "PyTreeLoader",
    "compression": None,
    "encryption": None,
    "format": None,
}
_LEAF: dict[str, Any] = {"type": None, "context": None, "children_spec": []}
_PAIR = [1, {"type": "builtins.tuple", "context": "null", "children_spec": [_LEAF, _LEAF]}]  # litdata's (bytes, int)
_BYTES_OF_PLACE = 4  # at which a chunk says where a photo begins


class StreamedSource(Source):
    """A packed data set.

    Args:
        root: folder, or address in a bucket, that `rnst pack` filled.
        groups: class name -> its folders, as in KNOWN_GROUPS. None makes each folder of train a class.
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
        """Check that the set exists."""
        self._contents().folders("train", self._root)

    def open(self, split: Split, view: Preprocessing) -> LabeledPhotos:
        """The photos of one split; each is read when it is used.

        Raises:
            MissingExtraError: litdata is not installed.
            MissingPathError: the set or this split is missing, or has no photo of these classes.
            UnreadableFileError: its index asks for types other than bytes and integers, or claims photos that it lacks.
        """
        _streaming_dataset()
        folders = self._contents().folders(split, self._root)
        root = f"{self._root}/{split}"
        folder = None if root.startswith(_BUCKETS) else Path(root)
        check_index(_content(root, _INDEX), f"{root}/{_INDEX}", sum(count for _, count in folders), folder)
        numbers, labels = numbers_and_labels(folders, self._groups())
        if not numbers:
            raise MissingPathError(root, "photos of these classes", "It was packed from other folders.")
        return StreamedPhotos(root, folders, (numbers, labels), view)

    def _contents(self) -> Contents:
        if self._read is None:
            self._read = Contents.from_json(_content(self._root, CONTENTS), f"{self._root}/{CONTENTS}")
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
        chosen: indices of the photos to use, and their labels.
        view: preprocessing of the photos.
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
            self._dataset()  # clears an outdated cache; worker processes that do so would disturb each other

    def decode(self, index: int) -> Tensor:
        """Read and decode one photo.

        Raises:
            UnreadableFileError: the photo is damaged, or belongs to another set.
        """
        number = int(self._numbers[index])
        folder = int(self._folder_of[number])
        name = f"photo {number} ({self._folders[folder][0]}) of {self._root}"
        try:
            content, stored = self._dataset()[number]
        except RnstError:
            raise
        except Exception as error:  # disks, networks and each kind of bucket raise their own
            raise UnreadableFileError(name, "a packed photo", _first_line(error)) from error
        if stored != folder:
            raise UnreadableFileError(name, "a packed photo", f"the chunks and {CONTENTS} are not of the same set")
        return decode_content(torch.frombuffer(bytearray(content), dtype=torch.uint8), name)

    def __getstate__(self) -> dict[str, Any]:
        """State without open readers: files and connections cannot be pickled."""
        return {**self.__dict__, "_opened": None}

    def _dataset(self) -> Any:
        """Litdata's reader, opened once in each process."""
        if self._opened is None or self._opened[0] != os.getpid():
            # Otherwise litdata deserializes 256 photos to return one.
            reader = _streaming_dataset()(self._root, serializers=_serializers(), batch_decode=0)
            self._opened = (os.getpid(), reader)
        return self._opened[1]


def check_index(text: str | bytes, name: str, photos: int, folder: Path | None = None) -> None:
    """Check that litdata reads nothing but pairs of bytes and integers, from files within the set.

    Args:
        text: an index of litdata.
        name: names the index in errors.
        photos: expected number of photos.
        folder: of the chunks, which must be large enough for the photos; None where they are in a bucket.

    Raises:
        UnreadableFileError: the index does not meet these conditions.
    """
    what = "the index of a packed data set"
    try:
        read = json.loads(text)
        config, chunks = read["config"], read["chunks"]
        files = [str(chunk["filename"]) for chunk in chunks]
        count = sum(int(chunk["chunk_size"]) for chunk in chunks)
        found = {key: config.get(key) for key in _PLAIN}
        spec = json.loads(config["data_spec"])
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise UnreadableFileError(name, what, f"it is incomplete ({_first_line(error)})") from error
    for key, wanted in _PLAIN.items():
        if found[key] != wanted:
            reason = (
                f"its {key} is {found[key]!r}, but only {wanted!r} is read, which runs no code; rnst pack writes it"
            )
            raise UnreadableFileError(name, what, reason)
    if spec != _PAIR:
        raise UnreadableFileError(name, what, "its data_spec asks for other objects than pairs of bytes and numbers")
    if any(Path(file).name != file or not file.endswith(".bin") for file in files):
        raise UnreadableFileError(name, what, "it names files outside of the set")
    if count != photos:
        raise UnreadableFileError(name, what, f"it has {count} photos, {CONTENTS} has {photos}")
    if folder is not None and photos > _bytes_in(folder, files) // _BYTES_OF_PLACE:
        raise UnreadableFileError(name, what, f"it claims {photos} photos, for which its chunks are too small")


def _bytes_in(folder: Path, files: list[str]) -> int:
    """Size of those chunks that are there; one that is missing is reported when a photo of it is read."""
    return sum((folder / file).stat().st_size for file in set(files) if (folder / file).is_file())


def _content(root: str, file: str) -> bytes:
    """A small file of a set."""
    if not root.startswith(_BUCKETS):
        path = Path(root) / file
        if not path.is_file():
            raise MissingPathError(path, "packed data set", _ADVICE)
        return path.read_bytes()
    _streaming_dataset()
    from litdata.streaming.downloader import get_downloader

    content = io.BytesIO()
    try:
        get_downloader(root, "", []).download_fileobj(f"{root}/{file}", content)
        return content.getvalue()
    except Exception as error:  # each kind of bucket raises its own
        raise MissingPathError(f"{root}/{file}", "packed data set", f"{_first_line(error)}. {_ADVICE}") from error


def _streaming_dataset() -> Any:
    """Litdata's reader, imported on use because the import takes a second."""
    try:
        from litdata import StreamingDataset
    except ImportError as error:
        raise MissingExtraError("--data.source streamed", "streaming") from error
    return StreamingDataset


def _serializers() -> dict[str, Any]:
    """Litdata's deserializers by type name; all but those of bytes and integers are replaced by refusals."""
    from litdata.streaming.serializers import _get_serializers

    return {name: known if name in DATA_FORMAT else _Refusal() for name, known in _get_serializers(None).items()}


class _Refusal:
    """Takes the place of a serializer of litdata and refuses."""

    def setup(self, _metadata: object) -> None:
        """Litdata calls this for each type in an index, before the first photo."""
        raise UnreadableFileError(
            "an index", "the index of a packed data set", "it asks for more than bytes and numbers"
        )

    def deserialize(self, _data: object) -> None:
        """Never."""
        self.setup(None)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
