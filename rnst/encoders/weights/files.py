"""The only file that opens weight files. Nothing in a file is ever executed."""

import hashlib
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from rnst.encoders.weights.containers import Container, check_container, is_tar
from rnst.encoders.weights.facts import checked_facts, read_facts
from rnst.encoders.weights.layouts import (
    FACTS_KEY,
    Facts,
    LayoutError,
    State,
    find_state,
    is_whole,
    madrylab,
    plain_names,
)
from rnst.encoders.weights.safe_pickle import RefusedError
from rnst.errors import RnstError, UnreadableFileError
from rnst.files import NotWrittenError, existing_file, written_aside

_BYTES_OF_BLOCK = 1 << 20
_SAFETENSORS_HEADER = 8  # bytes with the length of the header, which follows
_PICKLES = (b"PK", b"\x80", b"(", b"}", b"]", b"c")  # first bytes of archives and pickles of any protocol
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_DTYPES = {
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool),
}
# What torch.load was seen to raise on damaged files; it checks little, and fails wherever it stumbles.
_DAMAGED = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, MemoryError, OSError, ValueError),
    *(LookupError, TypeError, AttributeError, AssertionError, struct.error),
)


class WeightsMismatchError(RnstError):
    """A weight file does not belong to the network it should go into."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(
            f"weights in {path} do not fit: {reason}. Name their network: --encoder, or --architecture of rnst convert."
        )


def read_weights(path: Path) -> tuple[State, Facts]:
    """Tensors and facts of a weight file, whoever wrote it.

    Args:
        path: a safetensors file, or a file of `torch.save`: of MadryLab, of Lightning, of torchvision, zip or legacy.

    Returns:
        Names of the bare network -> tensors on the CPU, and the facts in the file: those that we store,
        "mean" and "std" of MadryLab's normalization; empty where it has none.

    Raises:
        MissingPathError: no such file.
        UnreadableFileError: not a weight file, damaged, it asks for code to be run, or one of its facts cannot be.
    """
    existing_file(path, "weight file", "Give the path of a .safetensors, .pt, .pth or .ckpt file.")
    try:
        found, facts = _read_safetensors(path) if _is_safetensors(path) else _read_torch(path)
        state, stated = plain_names(found)
        facts = {**checked_facts(stated), **facts}
    except LayoutError as error:
        raise UnreadableFileError(path, "weights", str(error)) from error
    _check(path, state)
    return state, facts


def write_weights(path: Path, state: Mapping[str, Tensor], facts: Mapping[str, Any], *, half: bool = False) -> None:
    """Write tensors and facts as safetensors, complete or not at all.

    Args:
        path: file to write.
        state: parameter name -> tensor.
        facts: plain values that JSON can hold.
        half: store matrices and kernels as float16; vectors (normalization statistics, biases) stay float32.
    """
    tensors = {name: _storable(tensor, half=half) for name, tensor in state.items()}
    write_tensors(path, tensors, {"format": "pt", FACTS_KEY: json.dumps(dict(facts))})


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, complete or not at all.

    Raises:
        NotWrittenError: it cannot be written.
    """
    with written_aside(path) as aside:
        try:
            save_file(tensors, aside, metadata=metadata)
        except SafetensorError as error:
            raise NotWrittenError(path, str(error)) from error


def write_madrylab(path: Path, state: Mapping[str, Tensor], facts: Mapping[str, Any], *, half: bool = False) -> None:
    """Write what MadryLab's `robustness` package reads: plain tensors in plain dictionaries, complete or not at all.

    Args:
        path: file to write.
        state: parameter name -> tensor.
        facts: plain values that JSON can hold; "mean" and "std" must be there.
        half: as in `write_weights`.
    """
    tensors = {name: _storable(tensor, half=half) for name, tensor in state.items()}
    with written_aside(path) as aside:
        try:
            torch.save(madrylab(tensors, facts), aside)
        except RuntimeError as error:  # of torch's writer, as when the disk is full
            raise NotWrittenError(path, str(error).splitlines()[0]) from error


def is_ours(path: Path) -> bool:
    """Whether a weight file was written by this program: it carries our facts. Nothing in it is executed."""
    try:
        if _is_safetensors(path):
            with safe_open(path, framework="pt") as file:
                return FACTS_KEY in (file.metadata() or {})
        content = Container(path).content
    except (*_DAMAGED, LayoutError, SafetensorError):
        return False
    return isinstance(content, dict) and isinstance(content.get(FACTS_KEY), dict)


def load_into(network: nn.Module, state: Mapping[str, Tensor], path: Path | str) -> None:
    """Put `state` into `network`; every parameter must be there, tensors of a head that was removed may be left over.

    Raises:
        WeightsMismatchError: a tensor is missing or has another shape.
    """
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        one = f"{missing[0]} is missing"
        raise WeightsMismatchError(
            path, one if len(missing) == 1 else f"{len(missing)} tensors are missing, the first is {missing[0]}"
        )
    for name, tensor in wanted.items():
        if name in state and state[name].shape != tensor.shape:
            reason = f"{name} is {tuple(state[name].shape)}, the network wants {tuple(tensor.shape)}"
            raise WeightsMismatchError(path, reason)
    kept = {name: state[name].to(tensor.dtype) for name, tensor in wanted.items() if name in state}
    network.load_state_dict(kept, strict=False, assign=any(tensor.is_meta for tensor in wanted.values()))


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file; a file that has not changed since is not read again."""
    status = path.stat()
    return _sha256(path.resolve(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BYTES_OF_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _is_safetensors(path: Path) -> bool:
    """Whether a file is to be read as safetensors.

    Raises:
        LayoutError: it is no weight file at first sight.
    """
    with path.open("rb") as file:
        start = file.read(len(_LFS_POINTER))
    if len(start) <= _SAFETENSORS_HEADER:
        raise LayoutError("it is empty" if not start else f"it has no more than {len(start)} bytes")
    if start == _LFS_POINTER:
        raise LayoutError("it is a pointer of Git LFS and not the file itself, which `git lfs pull` fetches")
    if start.lstrip().startswith(b"<"):
        raise LayoutError("it is a web page or another text with tags")
    if path.suffix == ".safetensors" or start[_SAFETENSORS_HEADER : _SAFETENSORS_HEADER + 1] == b"{":
        return True
    if not start.startswith(_PICKLES) and not is_tar(path):
        raise LayoutError("it is none of the formats of weights: safetensors, or what torch.save writes")
    return False


def _read_safetensors(path: Path) -> tuple[State, Facts]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except SafetensorError as error:
        raise UnreadableFileError(path, "safetensors", f"it is damaged: {error}") from error
    return state, read_facts(metadata.get(FACTS_KEY, "{}"))


def _read_torch(path: Path) -> tuple[State, Facts]:
    """A file of `torch.save`: by torch where it holds tensors only, else by a reader that makes tensors of it alone."""
    try:
        check_container(path)
        try:
            container = None
            with warnings.catch_warnings(action="ignore"):  # of torch, about files that are not its own
                content = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:
            container = Container(path)
            content = container.content
        found, facts = find_state(content)
        state = found if container is None else {name: container.tensor(stored) for name, stored in found.items()}
    except _DAMAGED as error:
        reason = _why_damaged(error)
        raise UnreadableFileError(path, "weights", reason) from error
    return state, checked_facts(facts)


def _why_damaged(error: Exception) -> str:
    """Why a file of `torch.save` cannot be read, in one line of ours."""
    return str(error) if isinstance(error, RefusedError | LayoutError) else "it is damaged, cut off, or no weight file"


def _check(path: Path, state: State) -> None:
    """Refuse tensors that no network has.

    Raises:
        UnreadableFileError: a kind of number that is none of ours, no number at all, or one number for many places.
    """
    for name, tensor in state.items():
        wrong = None
        if tensor.layout != torch.strided or tensor.dtype not in _DTYPES:
            wrong = f"holds numbers that no network has: {tensor.dtype}, {tensor.layout}"
        elif not is_whole(tensor):
            wrong = f"claims {tensor.numel()} numbers and has fewer"
        elif tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            wrong = "holds NaN or infinity"
        if wrong is not None:
            raise UnreadableFileError(path, "weights", f"{name} {wrong}")


def _storable(tensor: Tensor, *, half: bool) -> Tensor:
    tensor = tensor.detach().to("cpu").contiguous()
    return tensor.half() if half and tensor.is_floating_point() and tensor.dim() > 1 else tensor
