"""Memory that an image takes, and the largest tiles that fit."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from rnst.encoders.receptive_fields import Field, layer_sizes
from rnst.errors import RnstError
from rnst.machine import resident_peak_bytes, sharing
from rnst.optimization.limits import parse_memory
from rnst.optimization.tiles import Grid, Size, cut, cut_by_area, whole

_PROBE_SIDE = 224
_MAP_DIMENSIONS = 4
_FLOAT_PIXEL = 12  # bytes of a float32 pixel of three channels
_ARRAYS = 20  # arrays of image size that parameters, gradient and line search hold at once (measured)
_MATRICES = 5  # float32 matrices, channels x channels, of each layer: statistics, target, and for the backward pass
_WORKING_MAPS = 3  # maps of the largest layer's size that a convolution's backward pass holds beside saved tensors
_SHARE_OF_AVAILABLE = 0.7  # the rest is for allocator overhead and other processes
_LEAST_HISTORY = 3
_CGROUP = Path("/sys/fs/cgroup")

_Measured = TypeVar("_Measured")


class NotEnoughMemoryError(RnstError):
    """Even the smallest tiles do not fit into memory."""

    def __init__(self, budget: float, size: Size) -> None:
        height, width = size
        super().__init__(
            f"too little memory for {width} x {height} pixels: {max(0.0, budget) / 1e9:.1f} GB remain after "
            "process and network; raise --memory, add --devices, or choose a smaller --size"
        )


@dataclass(frozen=True)
class Plan:
    """Tiles and L-BFGS history that fit into memory.

    Attributes:
        grid: tiles of the image.
        history: past steps that L-BFGS may store.
        predicted: total bytes, in addition to those that the process held before.
    """

    grid: Grid
    history: int
    predicted: float


def _once(measure: Callable[[nn.Module], _Measured]) -> Callable[[nn.Module], _Measured]:
    """Measure a frozen encoder once in each precision: three tilings and the estimate of one picture ask for it."""
    known: WeakKeyDictionary[nn.Module, dict[object, _Measured]] = WeakKeyDictionary()

    @wraps(measure)
    def measured(encoder: nn.Module) -> _Measured:
        device = _kind(encoder)
        precision = (device, torch.is_autocast_enabled(device), torch.get_autocast_dtype(device))
        found = known.setdefault(encoder, {})
        if precision not in found:
            found[precision] = measure(encoder)
        return found[precision]

    return measured


def _kind(encoder: nn.Module) -> str:
    """The kind of device of an encoder."""
    return next((tensor.device.type for tensor in encoder.parameters()), "cpu")


@_once
def appetite(encoder: nn.Module) -> float:
    """Bytes per pixel of an encoder's forward and backward pass, measured in the current autocast precision."""
    saved: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        tensor = tensor.detach()  # an output stored with its graph would keep the graph alive
        if tensor.dim() == _MAP_DIMENSIONS and tensor.shape[0] == 1:  # saved kernels take no additional memory
            saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    images = torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE, device=_kind(encoder), requires_grad=True)
    with saved_tensors_hooks(note, lambda tensor: tensor), torch.enable_grad():
        features = encoder(images)
    sizes = [tensor.untyped_storage().nbytes() for tensor in (*saved.values(), *features.values())]
    bytes_in_all: float = sum(sizes) + _WORKING_MAPS * max(sizes)
    return bytes_in_all / _PROBE_SIDE**2


def constant_bytes(encoder: nn.Module) -> float:
    """Bytes of an encoder's forward and backward pass that do not depend on the image size.

    Autocast copies every kernel to half precision and keeps the copy for the backward pass; style losses use matrices
    of channels x channels.
    """
    device = _kind(encoder)
    mixed = torch.is_autocast_enabled(device)
    copies = sum(kernel.numel() for kernel in encoder.parameters()) * torch.get_autocast_dtype(device).itemsize
    channels = [shape[1] for shape in _shapes(encoder).values()]
    return mixed * copies + _MATRICES * torch.float32.itemsize * sum(count**2 for count in channels)


def layer_bytes(encoder: nn.Module, layers: Iterable[str], precision: torch.dtype) -> float:
    """Bytes of the features of some layers per pixel of the image."""
    shapes = _shapes(encoder)
    found: float = sum(shapes[layer].numel() for layer in layers) * precision.itemsize / _PROBE_SIDE**2
    return found


@_once
def _shapes(encoder: nn.Module) -> dict[str, torch.Size]:
    """Shape of each layer's features of an image of the side that is measured."""
    return layer_sizes(encoder, (_PROBE_SIDE, _PROBE_SIDE))


def available_bytes(device: torch.device) -> float:
    """Share of the free memory in bytes that may be used: of a device, or for the CPU of this machine and container.

    What PyTorch's allocator has reserved on a device and does not use is free, too: it takes that first.
    """
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)
        return _SHARE_OF_AVAILABLE * (free - torch.cuda.memory_allocated(device)) / sharing()
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    described = Path("/proc/meminfo")
    if described.is_file():
        match = re.search(r"MemAvailable:\s*(\d+) kB", described.read_text())
        limits += [1024.0 * int(match[1])] if match else []
    return _SHARE_OF_AVAILABLE * min(limits + _left_in_container()) / sharing()


def _left_in_container() -> list[float]:
    """Bytes up to the container's limit, if it has one. Cached files that the kernel drops first count as free."""
    limit, used, kinds = (_CGROUP / f"memory.{name}" for name in ("max", "current", "stat"))
    if not (limit.is_file() and used.is_file() and limit.read_text().strip().isdigit()):
        return []
    cached = re.search(r"^inactive_file (\d+)$", kinds.read_text(), re.MULTILINE) if kinds.is_file() else None
    return [float(limit.read_text()) - float(used.read_text()) + (float(cached[1]) if cached else 0.0)]


def held_bytes(device: torch.device) -> float:
    """Bytes that this process holds now."""
    if device.type == "cuda":
        return float(torch.cuda.memory_allocated(device))
    status = Path("/proc/self/statm")
    if status.is_file():
        return float(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return float(resident_peak_bytes())


def plan(
    size: Size,
    fields: Mapping[str, Field],
    per_pixel: float,
    budget: float,
    *,
    history: int,
    target_bytes: float = 0.0,
    devices: int = 1,
) -> Plan:
    """The fewest tiles within a budget; if they would be tiny, with a shorter history of L-BFGS.

    Args:
        size: height and width in pixels.
        fields: receptive field of each layer.
        per_pixel: bytes that the encoder needs for each pixel of a tile.
        budget: bytes of one device.
        history: steps that L-BFGS should store; 0 for Adam.
        target_bytes: bytes of targets of image size.
        devices: number of devices that share the image.

    Raises:
        NotEnoughMemoryError: even the smallest tiles do not fit.
    """
    pixels = size[0] * size[1]
    least = min(history, _LEAST_HISTORY)
    useful = min(whole(size).largest, 4 * _smallest_area(size, fields))
    of_a_step = image_bytes(pixels, 1) - image_bytes(pixels, 0)
    longest = int(max(0.0, budget - target_bytes - image_bytes(pixels, 0)) / of_a_step)
    for remembered in range(min(history, max(least, longest)), least - 1, -1):
        images = image_bytes(pixels, remembered) + target_bytes
        area = (budget - images) / per_pixel
        if area < useful and remembered > least:
            continue
        grid = cut_by_area(size, fields, int(area), devices) if area > 0 else None
        if grid is not None:
            return Plan(grid, remembered, images + grid.largest * per_pixel)
    raise NotEnoughMemoryError(budget, size)


def whole_bytes(size: Size, per_pixel: float, history: int, target_bytes: float) -> float:
    """Bytes of an image without tiles; arguments: see `plan`."""
    pixels = size[0] * size[1]
    return image_bytes(pixels, history) + target_bytes + per_pixel * pixels


def check_image(size: Size, device: torch.device, memory: str | None = None) -> None:
    """Refuse an image whose own arrays do not fit into the memory, however it is cut, before anything is done with it.

    Args:
        size: height and width in pixels.
        device: device of the arrays.
        memory: size that the user allows, as 8GB; None is what is available.

    Raises:
        NotEnoughMemoryError: they do not.
    """
    free = available_bytes(device) if memory is None else parse_memory(memory)
    if image_bytes(size[0] * size[1], 0) > free:
        raise NotEnoughMemoryError(free, size)


def image_bytes(pixels: int, history: int) -> float:
    """Bytes of all arrays of image size: parameters, gradients, line search, history of L-BFGS."""
    return float((_ARRAYS + 2 * history) * _FLOAT_PIXEL * pixels)


def _smallest_area(size: Size, fields: Mapping[str, Field]) -> int:
    """Pixels of the smallest tile whose owned part is about as wide as its halo."""
    halo = max(reach.before + reach.after for field in fields.values() for reach in (field.rows, field.columns))
    return cut(size, fields, *(max(1, length // max(1, halo)) for length in size)).largest
