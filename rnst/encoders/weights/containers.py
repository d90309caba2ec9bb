"""What `torch.save` wraps around a pickle: since torch 1.6 a zip archive, before that one pickle after the other."""

import struct
import tarfile
import zipfile
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from rnst.encoders.weights.safe_pickle import RefusedError, Storage, StoredTensor, load

_ZIP_MAGIC = b"PK\x03\x04"
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_COUNT = struct.Struct("<q")


class Container:
    """A file of `torch.save`, opened without running anything.

    Args:
        path: the file.

    Attributes:
        content: what was saved, with a `StoredTensor` in the place of each tensor.

    Raises:
        pickle.UnpicklingError: it is no such file, or asks for something that no weight file needs.
        Exception: whatever Python stumbles over in a damaged one.
    """

    content: Any

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder: str | None = None
        self._places: dict[str, tuple[int, int]] = {}
        self._numbers: dict[str, Tensor] = {}
        check_container(path)
        if _is_zip(path):
            self._open_zip()
        else:
            with path.open("rb") as file:
                self._open_legacy(file)

    def tensor(self, stored: StoredTensor) -> Tensor:
        """Read a tensor; those that share a storage share memory.

        Raises:
            pickle.UnpicklingError: the tensor reaches outside of its storage.
        """
        storage, offset, shape, stride = stored
        if storage.key not in self._numbers:
            data = bytearray(self._read(storage.key))
            self._numbers[storage.key] = torch.frombuffer(data, dtype=storage.dtype) if data else torch.empty(0)
        numbers = self._numbers[storage.key]
        last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        if 0 not in shape and last >= len(numbers):
            raise RefusedError("one of its tensors reaches outside of its storage")
        return numbers.as_strided(shape, stride, offset)

    def _open_zip(self) -> None:
        with zipfile.ZipFile(self._path) as archive:
            names = archive.namelist()
            found = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
            if len(found) != 1 or any(name.endswith("/constants.pkl") for name in names):
                raise RefusedError("it is an archive, but none of plain torch.save")
            self._folder = found[0].removesuffix("data.pkl")
            order = f"{self._folder}byteorder"
            if order in names and archive.read(order) != b"little":
                raise RefusedError("its numbers are big-endian, which is not supported")
            with archive.open(found[0]) as file:
                self.content = load(file)

    def _open_legacy(self, file: IO[bytes]) -> None:
        """Four pickles, the keys of the storages, then the storages, each behind the count of its elements."""
        if load(file) != _LEGACY_MAGIC or load(file) != _LEGACY_PROTOCOL:
            raise RefusedError("it is no file of torch.save")
        if not load(file).get("little_endian", True):
            raise RefusedError("its numbers are big-endian, which is not supported")
        storages: dict[str, Storage] = {}
        self.content = load(file, storages)
        for key in load(file):
            storage = storages[key]
            (elements,) = _COUNT.unpack(file.read(_COUNT.size))
            if elements != storage.elements or elements < 0:
                raise RefusedError("the sizes of its tensors contradict each other")
            self._places[key] = (file.tell(), elements * storage.dtype.itemsize)
            file.seek(self._places[key][1], 1)
        if file.tell() > self._path.stat().st_size:
            raise RefusedError("it is cut off")

    def _read(self, key: str) -> bytes:
        """All bytes of a storage."""
        if self._folder is not None:
            with zipfile.ZipFile(self._path) as archive:
                return archive.read(f"{self._folder}data/{key}")
        start, size = self._places[key]
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(size)


def check_container(path: Path) -> None:
    """Refuse an archive that unpacks to more than it is, which torch never writes, and one that is older than torch 1.

    Raises:
        pickle.UnpicklingError: it is compressed, its entries overlap, or it is a tar archive.
        zipfile.BadZipFile: it is damaged.
    """
    if is_tar(path):
        raise RefusedError("it is a tar archive of torch 0.1, which is not supported")
    if not _is_zip(path):
        return
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise RefusedError("it is a compressed archive, which torch.save never writes")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise RefusedError("it claims to hold more than the file has")


def _is_zip(path: Path) -> bool:
    """Whether torch recognizes a file as a zip archive, by its first bytes alone."""
    with path.open("rb") as file:
        return file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC


def is_tar(path: Path) -> bool:
    """Whether a file is a tar archive, as torch 0.1 wrote."""
    try:
        with tarfile.open(path, "r:"):
            return True
    except tarfile.TarError:
        return False
