"""Tiles for the images of one run, from the user's limits or from the available memory."""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from rnst.encoders.receptive_fields import Field, receptive_fields
from rnst.errors import InvalidValueError
from rnst.optimization.limits import parse_memory
from rnst.optimization.memory import (
    appetite,
    available_bytes,
    check_image,
    constant_bytes,
    held_bytes,
    layer_bytes,
    plan,
    whole_bytes,
)
from rnst.optimization.process_group import gathered
from rnst.optimization.tiled_gradient import (
    Measure,
    TileableObjective,
    TiledObjective,
    TiledStatistics,
    features_in_tiles,
)
from rnst.optimization.tiles import Grid, Size, cut_by_area, cut_by_side, whole

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits of a run on memory and devices.

    Attributes:
        tile: side of a tile in pixels; 0 is the whole image, None is as large as fits into memory.
        memory: bytes that a process may take, such as 8GB; None is most of the free memory.
        devices: number of devices that share an image.
        history: steps that L-BFGS should store; 0 for other optimizers.
        precision: of the network's arithmetic; losses and their targets are always computed in fp32.
        device: kind of device on which the tiles are computed.
    """

    tile: int | None = None
    memory: str | None = None
    devices: int = 1
    history: int = 0
    precision: Literal["bf16", "fp32"] = "fp32"
    device: str = "cpu"

    @property
    def dtype(self) -> torch.dtype:
        """The precision as a torch dtype."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32


class Tiling:
    """Cuts images of any size into tiles for one encoder.

    Args:
        encoder: frozen.
        limits: of the run; their precision is that of the passes for which memory is planned.
        content_layers: layers whose features are targets of image size.
    """

    def __init__(
        self,
        encoder: nn.Module,
        limits: Limits,
        content_layers: Sequence[str] = (),
    ) -> None:
        self._encoder = encoder
        self._limits = limits
        self._device = torch.device(limits.device)
        self._precision = limits.dtype
        self._content_layers = content_layers
        self._grids: dict[Size, Grid] = {}
        self.history = limits.history
        self._smaller = False

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Receptive fields of the encoder's layers.

        Raises:
            CannotTileError: a layer depends on the whole image.
        """
        return receptive_fields(self._encoder)

    @cached_property
    def _needs(self) -> tuple[float, float, float]:
        """Bytes per pixel of encoder and of targets, and bytes of the encoder at any size.

        Measured once, and by the first process for all.
        """
        with self._mixed(self._device):
            # Targets are held in full precision, see `features`.
            targets = layer_bytes(self._encoder, self._content_layers, torch.float32)
            found = appetite(self._encoder), targets, constant_bytes(self._encoder)
        first: tuple[float, float, float] = gathered(found)[0] if self._limits.devices > 1 else found
        return first

    def grid(self, size: Size) -> Grid:
        """Tiles of an image.

        Raises:
            CannotTileError: a layer depends on the whole image, which does not fit or must be shared.
            InvalidValueError: the image is too small for the number of devices.
            NotEnoughMemoryError: even the smallest tiles do not fit.
        """
        if size not in self._grids:
            found = self._cut(size)
            self._grids[size] = self._shrunk(found) if self._smaller else found
        return self._grids[size]

    def shrink(self) -> None:
        """From now on, cut images into tiles of a quarter of the area, or half of it: the memory did not suffice.

        Raises:
            CannotTileError: a layer depends on the whole image.
        """
        self._smaller = bool(self.fields)
        self._grids.clear()

    def _shrunk(self, grid: Grid) -> Grid:
        smaller = (cut_by_area(grid.size, self.fields, grid.largest // parts, self._limits.devices) for parts in (4, 2))
        return next((found for found in smaller if found is not None), grid)

    def features(self, image: Tensor, keep: Collection[str]) -> dict[str, Tensor]:
        """Features of the layers in `keep`; those of other layers may be meta tensors."""
        grid = self.grid(_size(image))
        with torch.autocast(image.device.type, enabled=False):  # targets of all steps need full precision
            if len(grid.tiles) > 1:
                return features_in_tiles(self._encoder, self.fields, grid, image, keep)
            features: dict[str, Tensor] = self._encoder(image, keep)
            return features

    def statistics(self, image: Tensor, measure: Measure) -> list[Any]:
        """Statistics that `measure` computes from the features, summed over tiles; see `TiledStatistics`."""
        grid = self.grid(_size(image))
        with torch.autocast(image.device.type, enabled=False):  # as in `features`
            if len(grid.tiles) == 1:
                return measure(self._encoder(image), {})
            return TiledStatistics(
                self._encoder, self.fields, grid, measure, shared=self._limits.devices > 1, history=self.history
            )(image)

    def tile_of(self, size: Size) -> int:
        """Side in pixels of the tiles of an image: that of the limits, or of the largest tile; 0 without tiles."""
        tiles = self.grid(size).tiles
        longest = max(cut.owned[1] - cut.owned[0] for tile in tiles for cut in (tile.rows, tile.columns))
        return 0 if len(tiles) == 1 else self._limits.tile or longest

    def is_tiled(self, size: Size) -> bool:
        """Whether images of this size, and smaller ones, need a `TiledObjective`.

        Raises:
            RnstError: a subclass, see `grid`.
        """
        tiles = len(self.grid(size).tiles)  # for several devices too, because it validates the limits
        return self._limits.devices > 1 or tiles > 1

    def objective(self, objective: TileableObjective, size: Size) -> TiledObjective:
        """The objective of images of this size, computed in tiles."""
        return TiledObjective(self._encoder, self.fields, self.grid(size), objective, self.history)

    def _cut(self, size: Size) -> Grid:
        tile, devices = self._limits.tile, self._limits.devices
        check_image(size, self._device, self._limits.memory)
        if tile == 0 and devices == 1:
            return whole(size)
        if tile is None:
            return self._fitted(size)
        fields = self.fields
        found = cut_by_side(size, fields, tile) if tile else cut_by_area(size, fields, math.prod(size), devices)
        tiles = len(found.tiles) if found else 1
        if found is None or tiles < devices:
            raise InvalidValueError("--devices", devices, f"at most the number of tiles, which is {tiles} here")
        return found

    def _mixed(self, device: torch.device) -> torch.autocast:
        return torch.autocast(device.type, torch.bfloat16, enabled=self._precision == torch.bfloat16)

    def _budget(self) -> float:
        """Bytes for everything beside what is held: of several processes, what the one with the least has."""
        limits = self._limits
        shares = limits.devices if self._device.type == "cpu" else 1
        if limits.memory is None:
            own = available_bytes(self._device) / shares
        else:
            own = parse_memory(limits.memory) - held_bytes(self._device)
        least: float = min(gathered(own)) if limits.devices > 1 else own
        if limits.memory is not None and least <= 0:
            held = (parse_memory(limits.memory) - least) / 1e9
            raise InvalidValueError("--memory", limits.memory, f"more than the {held:.1f} GB held already")
        return least

    def _fitted(self, size: Size) -> Grid:
        limits, budget = self._limits, self._budget()
        per_pixel, of_targets, constant = self._needs
        budget -= constant
        targets = of_targets * size[0] * size[1]
        if limits.devices == 1 and whole_bytes(size, per_pixel, limits.history, targets) <= budget:
            return whole(size)
        found = plan(
            size,
            self.fields,
            per_pixel,
            budget,
            history=limits.history,
            target_bytes=targets,
            devices=limits.devices,
        )
        if found.history < self.history:
            self.history = found.history
            _log.warning("L-BFGS stores %d steps instead of %d, to fit into the memory", found.history, limits.history)
        return found.grid


def _size(image: Tensor) -> Size:
    return image.shape[-2], image.shape[-1]
