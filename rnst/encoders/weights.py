"""The only file that opens weight files. Nothing in a file is ever executed."""

import hashlib
import json
import pickle
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from rnst.errors import MissingPathError, RnstError, UnreadableFileError
from rnst.files import written_aside

_FACTS_KEY = "rnst"
_BYTES_OF_BLOCK = 1 << 20
# What torch.load was seen to raise on damaged files; it checks little, and fails wherever it stumbles.
_DAMAGED = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)

Facts = dict[str, Any]
State = dict[str, Tensor]


class WeightsMismatchError(RnstError):
    """A weight file does not belong to the network it should go into."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"weights in {path} do not fit: {reason}. Name the network with --encoder.")


class DownloadError(RnstError):
    """Weights that are not here could not be fetched."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"cannot download {url}: {reason}. Use a bundled encoder (rnst models lists them), "
            f"or give a weight file with --weights."
        )


def read_weights(path: Path) -> tuple[State, Facts]:
    """Tensors and facts of a weight file.

    Args:
        path: a safetensors file, or a file of `torch.save` that holds tensors only.

    Returns:
        Parameter name -> tensor on the CPU, and the facts that `write_weights` stored (empty where there are none).

    Raises:
        MissingPathError: no such file.
        UnreadableFileError: not a weight file, damaged, or it asks for code to be run.
    """
    if not path.is_file():
        raise MissingPathError(path, "weight file", "Give the path of a .safetensors, .pt, .pth or .ckpt file.")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _read_torch(path), {}


def write_weights(path: Path, state: Mapping[str, Tensor], facts: Mapping[str, Any], *, half: bool = False) -> None:
    """Write tensors and facts as safetensors, complete or not at all.

    Args:
        path: file to write.
        state: parameter name -> tensor.
        facts: plain values that JSON can hold.
        half: store matrices and kernels as float16; vectors (normalization statistics, biases) stay float32.
    """
    tensors = {name: _storable(tensor, half=half) for name, tensor in state.items()}
    with written_aside(path) as aside:
        save_file(tensors, aside, metadata={"format": "pt", _FACTS_KEY: json.dumps(dict(facts))})


def load_into(network: nn.Module, state: Mapping[str, Tensor], path: Path | str) -> None:
    """Put `state` into `network`; every parameter must be there, tensors of a head that was removed may be left over.

    Raises:
        WeightsMismatchError: a tensor is missing or has another shape.
    """
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise WeightsMismatchError(path, f"{len(missing)} tensors are missing, the first is {missing[0]}")
    for name, tensor in wanted.items():
        if name in state and state[name].shape != tensor.shape:
            reason = f"{name} is {tuple(state[name].shape)}, the network wants {tuple(tensor.shape)}"
            raise WeightsMismatchError(path, reason)
    kept = {name: state[name].to(tensor.dtype) for name, tensor in wanted.items() if name in state}
    network.load_state_dict(kept, strict=False, assign=any(tensor.is_meta for tensor in wanted.values()))


def fetch(url: str, sha256: str = "") -> Path:
    """Download a weight file once, checked against its hash or that in its name, into torch's own cache folder."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    target = folder / url.rsplit("/", 1)[-1]
    if not target.is_file():
        hash_prefix = sha256 or (target.stem.rsplit("-", 1)[-1] if "-" in target.stem else None)
        try:
            with written_aside(target) as aside:
                torch.hub.download_url_to_file(url, str(aside), hash_prefix)
        except (OSError, RuntimeError) as error:
            raise DownloadError(url, str(error)) from error
    return target


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BYTES_OF_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read_safetensors(path: Path) -> tuple[State, Facts]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
        return state, json.loads(metadata.get(_FACTS_KEY, "{}"))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise UnreadableFileError(path, "safetensors", str(error)) from error


def _read_torch(path: Path) -> State:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGED as error:
        reason = (str(error) or "it is empty or cut off").splitlines()[0]
        raise UnreadableFileError(path, "plain tensors", reason) from error
    if isinstance(content, dict):
        content = content.get("state_dict", content)
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UnreadableFileError(path, "plain tensors", "it holds no dictionary of tensors")
    # A Lightning checkpoint of our own training task holds the network as `network.`
    return {name.removeprefix("network."): tensor for name, tensor in content.items()}


def _storable(tensor: Tensor, *, half: bool) -> Tensor:
    tensor = tensor.detach().to("cpu").contiguous()
    return tensor.half() if half and tensor.is_floating_point() and tensor.dim() > 1 else tensor
