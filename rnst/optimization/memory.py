"""How much memory a picture takes, and the largest tiles that fit."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from rnst.encoders.receptive_fields import Field, layer_sizes
from rnst.errors import RnstError
from rnst.machine import resident_peak_bytes
from rnst.optimization.tiles import Grid, Size, cut, cut_by_area, whole

_PROBE_SIDE = 224
_MAP_DIMENSIONS = 4
_FLOAT_PIXEL = 12  # bytes of a float32 pixel of three channels
_ARRAYS = 20  # of the size of the picture, that parameters, gradient and line search take at once (measured)
_MATRICES = 5  # float32, channels x channels, of each layer: statistics, target, and what both need on the way back
_WORKING_MAPS = 3  # of the largest layer's size, that a convolution's way back holds beside what was saved
_SHARE_OF_AVAILABLE = 0.7  # the rest is for what allocators waste and others need
_LEAST_HISTORY = 3
_GIBIBYTE = 2**30
_CGROUP = Path("/sys/fs/cgroup")


class NotEnoughMemoryError(RnstError):
    """Not even the smallest tiles fit."""

    def __init__(self, budget: float, size: Size) -> None:
        height, width = size
        super().__init__(
            f"too little memory for {width} x {height} pixels: {max(0.0, budget) / 1e9:.1f} GB are left beside what "
            "process and network take; give more by --memory, add --devices, or choose a smaller --size"
        )


@dataclass(frozen=True)
class Plan:
    """How a picture fits.

    Attributes:
        grid: its tiles.
        history: past steps that L-BFGS may remember.
        predicted: bytes in all, beside what the process held before.
    """

    grid: Grid
    history: int
    predicted: float


def appetite(encoder: nn.Module) -> float:
    """Bytes of an encoder's way forward and back for each pixel, measured in the precision that autocast has now."""
    saved: dict[int, Tensor] = {}

    def note(tensor: Tensor) -> Tensor:
        tensor = tensor.detach()  # an output that is kept with its graph would keep that graph for ever
        if tensor.dim() == _MAP_DIMENSIONS and tensor.shape[0] == 1:  # kernels are saved too, and cost nothing more
            saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    device = next((tensor.device for tensor in encoder.parameters()), None)
    images = torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE, device=device, requires_grad=True)
    with saved_tensors_hooks(note, lambda tensor: tensor), torch.enable_grad():
        features = encoder(images)
    sizes = [tensor.untyped_storage().nbytes() for tensor in (*saved.values(), *features.values())]
    bytes_in_all: float = sum(sizes) + _WORKING_MAPS * max(sizes)
    return bytes_in_all / _PROBE_SIDE**2


def standing_bytes(encoder: nn.Module) -> float:
    """Bytes of an encoder's way forward and back that do not grow with the picture.

    Autocast gives every kernel a copy in half precision, which is kept for the way back; style losses compare matrices
    of all channels with all.
    """
    device = next((tensor.device.type for tensor in encoder.parameters()), "cpu")
    mixed = torch.is_autocast_enabled(device)
    copies = sum(kernel.numel() for kernel in encoder.parameters()) * torch.get_autocast_dtype(device).itemsize
    channels = [shape[1] for shape in layer_sizes(encoder, (_PROBE_SIDE, _PROBE_SIDE)).values()]
    return mixed * copies + _MATRICES * torch.float32.itemsize * sum(count**2 for count in channels)


def layer_bytes(encoder: nn.Module, layers: Iterable[str], precision: torch.dtype) -> float:
    """Bytes of the features of some layers for each pixel of the picture."""
    shapes = layer_sizes(encoder, (_PROBE_SIDE, _PROBE_SIDE))
    found: float = sum(shapes[layer].numel() for layer in layers) * precision.itemsize / _PROBE_SIDE**2
    return found


def available_bytes(device: torch.device) -> float:
    """Memory that is free on a device, or in this machine and this container for the CPU."""
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return _SHARE_OF_AVAILABLE * free
    limits = [float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))]
    described = Path("/proc/meminfo")
    if described.is_file():
        match = re.search(r"MemAvailable:\s*(\d+) kB", described.read_text())
        limits += [1024.0 * int(match[1])] if match else []
    limit, used = _CGROUP / "memory.max", _CGROUP / "memory.current"
    if limit.is_file() and used.is_file() and limit.read_text().strip().isdigit():
        limits.append(float(limit.read_text()) - float(used.read_text()))
    return _SHARE_OF_AVAILABLE * min(limits)


def held_bytes(device: torch.device) -> float:
    """What this process holds now."""
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
    """The fewest tiles within a budget; where they would be tiny, L-BFGS remembers fewer steps.

    Args:
        size: height and width in pixels.
        fields: receptive field of each layer.
        per_pixel: bytes that the encoder needs for each pixel of a tile.
        budget: bytes of one device.
        history: steps that L-BFGS is to remember; 0 for Adam.
        target_bytes: of targets that are as large as the picture.
        devices: how many share the picture.

    Raises:
        NotEnoughMemoryError: nothing fits.
    """
    pixels = size[0] * size[1]
    least = min(history, _LEAST_HISTORY)
    useful = min(whole(size).largest, 4 * _smallest_area(size, fields))
    for remembered in range(history, least - 1, -1):
        images = image_bytes(pixels, remembered) + target_bytes
        area = (budget - images) / per_pixel
        if area < useful and remembered > least:
            continue
        grid = cut_by_area(size, fields, int(area), devices) if area > 0 else None
        if grid is not None:
            return Plan(grid, remembered, images + grid.largest * per_pixel)
    raise NotEnoughMemoryError(budget, size)


def whole_bytes(size: Size, per_pixel: float, history: int, target_bytes: float) -> float:
    """Bytes of a picture that is not cut; arguments as of `plan`."""
    pixels = size[0] * size[1]
    return image_bytes(pixels, history) + target_bytes + per_pixel * pixels


def image_bytes(pixels: int, history: int) -> float:
    """Bytes of everything that is as large as the picture: parameters, gradients, line search, history of L-BFGS."""
    return float((_ARRAYS + 2 * history) * _FLOAT_PIXEL * pixels)


def _smallest_area(size: Size, fields: Mapping[str, Field]) -> int:
    """Pixels of the smallest tile that still owns about as much as it has to look at around."""
    halo = max(reach.before + reach.after for field in fields.values() for reach in (field.rows, field.columns))
    return cut(size, fields, *(max(1, length // max(1, halo)) for length in size)).largest
