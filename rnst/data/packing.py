"""Pack a folder of photos for training on many machines: chunks of 64 MB instead of a million files."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader, Dataset
from torchvision.io import encode_jpeg

from rnst.data.packed import CONTENTS, Contents, Folders
from rnst.data.photos import decode_photo, list_photos, reduced
from rnst.data.sources import subfolders
from rnst.data.streamed import DATA_FORMAT, check_index
from rnst.errors import InvalidValueError, MissingExtraError, MissingPathError, RnstError, UnreadableFileError
from rnst.files import folder_written_aside
from rnst.image.endings import QUALITY
from rnst.machine import check_workers
from rnst.outputs import check_folder

_BYTES_OF_CHUNK = 64 << 20
_ADVICE = "Give the folder that holds train and val with one folder for each class, or name its splits with --split."

Watched = Callable[[Iterator["Packed"], str, int], Iterable["Packed"]]
Packed = tuple[bytes, str]


class BrokenPhotoError(RnstError):
    """A photo cannot be packed."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}. Repair or remove it, then pack again; nothing was written")


def pack(
    folder: Path,
    output: Path,
    splits: Sequence[str] = ("train", "val"),
    *,
    size: int | None = None,
    workers: int = 0,
    watched: Watched = lambda photos, _split, _count: photos,
) -> Contents:
    """Pack photos, completely or not at all. Each photo is decoded once, so that broken ones are found now.

    Args:
        folder: contains a folder for each split, which contains one for each class.
        output: folder to write; it must not exist.
        splits: names of the splits to pack.
        size: shorter side in pixels to which larger photos are resized, as JPEG of quality 95. With None, and for
            photos that are not larger, the bytes of the file are stored, whatever its format.
        workers: processes that read and decode; the output does not depend on it.
        watched: progress display: receives the photos, the name of the split and the number of photos, and returns an
            iterable of the same photos.

    Raises:
        MissingExtraError: litdata is not installed.
        MissingPathError: there are no photos.
        InvalidValueError: `output` exists, or an option is out of range.
        BrokenPhotoError: a photo cannot be decoded.
    """
    if output.exists():
        raise InvalidValueError("OUT", str(output), "a folder that does not exist yet")
    check_folder("OUT", output.parent, str(output))
    _check_options(splits, size, workers)
    _writer()  # fails early if litdata is missing, before worker processes decode for nothing
    found = {split: _class_folders(folder / split) for split in splits}
    with folder_written_aside(output) as aside:
        contents: dict[str, Folders] = {}
        for split, names in found.items():
            files = list_photos(folder / split, {name: (name,) for name in names})
            counts = [0] * len(names)
            for _, label in files:
                counts[label] += 1
            contents[split] = tuple(zip(names, counts, strict=True))
            loader = DataLoader(_Contents([path for path, _ in files], size), batch_size=None, num_workers=workers)
            labels = [label for _, label in files]
            _write(aside / split, zip(watched(iter(loader), split, len(files)), labels, strict=True))
            _check(aside / split, len(files))
        written = Contents(contents, size)
        (aside / CONTENTS).write_text(written.to_json(), encoding="utf-8")
    return written


def _check_options(splits: Sequence[str], size: int | None, workers: int) -> None:
    are_names = all(Path(split).name == split and split not in {"", "..", CONTENTS} for split in splits)
    if not splits or len(set(splits)) < len(splits) or not are_names:
        raise InvalidValueError("--split", list(splits), "different names of folders in FOLDER")
    if size is not None and size < 1:
        raise InvalidValueError("--size", size, "1 or more pixels")
    check_workers("--workers", workers)


class _Contents(Dataset[Packed]):
    """The packed form of each photo, or the reason why it cannot be packed, as plain values for other processes."""

    def __init__(self, paths: Sequence[Path], size: int | None) -> None:
        self._paths = paths
        self._size = size

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Packed:
        path = self._paths[index]
        try:
            photo = decode_photo(path)
        except UnreadableFileError as error:
            return b"", str(error)
        if self._size is None or min(photo.shape[-2:]) <= self._size:
            return path.read_bytes(), ""
        content: bytes = encode_jpeg(reduced(photo, self._size), quality=QUALITY).numpy().tobytes()
        return content, ""


def _write(folder: Path, photos: Iterable[tuple[Packed, int]]) -> None:
    """Write the chunks of one split, and litdata's index of them."""
    writer = _writer()(str(folder), chunk_bytes=_BYTES_OF_CHUNK)
    for number, ((content, reason), label) in enumerate(photos):
        if reason:
            raise BrokenPhotoError(reason)
        writer.add_item(number, (content, label))
    writer.done()
    writer.merge()


def _check(folder: Path, photos: int) -> None:
    """Check that we can read what we wrote: a later litdata may use another format."""
    index = folder / "index.json"
    text = index.read_text(encoding="utf-8")
    if json.loads(text)["config"]["data_format"] != DATA_FORMAT:
        raise UnreadableFileError(
            index, "what rnst pack writes", "this release of litdata is too new; take an older one"
        )
    check_index(text, str(index), photos, folder)


def _class_folders(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise MissingPathError(folder, f"{folder.name} photos", _ADVICE)
    return subfolders(folder)


def _writer() -> Any:
    try:
        from litdata.streaming.writer import BinaryWriter
    except ImportError as error:
        raise MissingExtraError("rnst pack", "streaming") from error
    return BinaryWriter
