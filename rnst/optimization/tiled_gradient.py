"""The exact gradient of an image that is too large for one pass of the network, or is shared by several devices.

A loss depends on the image only through statistics that add up over positions. The forward pass computes each tile
without a graph and adds its statistics. The backward pass computes each tile again and propagates the gradient of the
loss with respect to the statistics to its pixels. The result equals that of the whole image up to rounding, with the
memory of one tile (Galerne et al. 2024, "Scaling painting style transfer"). We depart from the paper in two points.
Tiles contain only the pixels that their own positions depend on, because the gradients of neighbors add up where tiles
overlap. The last tile keeps its graph, so that it is computed only once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import is_dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rnst.encoders.receptive_fields import Field, layer_sizes
from rnst.losses.statistics import Window
from rnst.optimization.process_group import rank, world_size
from rnst.optimization.ranks import agreed, plan_hash, sum_over_ranks, sum_with_hash
from rnst.optimization.tiles import Grid, Tile

Measure = Callable[[Mapping[str, Tensor], Mapping[str, Window]], list[Any]]
PICTURE = "picture"


class TileableObjective(Protocol):
    """An objective with separate `statistics` and `distance`; see `rnst.losses.objective.Objective`."""

    def statistics(self, features: Mapping[str, Tensor], windows: Mapping[str, Window] | None = None) -> list[Any]:
        """Additive statistics of features that cover `windows` of the layers."""

    def distance(self, statistics: Sequence[Any], image: Tensor) -> dict[str, Tensor]:
        """Named scalars, "total" among them."""


class TiledStatistics:
    """Statistics of an image, computed tile by tile and differentiable with respect to the image.

    With a process group, each rank computes its share of the tiles, and all ranks get the same sums. All ranks must be
    called with the same image.

    Args:
        encoder: images (1, 3, H, W) in [0, 1] to layer -> features; frozen.
        fields: receptive field of each of its layers.
        grid: tiles of the image.
        measure: (features, windows) to additive statistics; see `rnst.losses.objective.Objective.statistics`.
        shared: False makes each rank compute all tiles.
        history: steps that L-BFGS stores; ranks must agree on it as on the grid.
    """

    def __init__(
        self,
        encoder: nn.Module,
        fields: Mapping[str, Field],
        grid: Grid,
        measure: Measure,
        *,
        shared: bool = True,
        history: int = 0,
    ) -> None:
        self.shared = shared and world_size() > 1
        self.tiles = grid.shares(world_size())[rank()] if self.shared else list(grid.tiles)
        self._encoder = encoder
        self._fields = fields
        self._measure = measure
        self._template: list[Any] = []
        self._plan = plan_hash(grid, history)

    def __call__(self, image: Tensor) -> list[Any]:
        """Statistics of an image (1, 3, H, W) in [0, 1] of the size of the grid.

        Raises:
            DeviceLostError: another rank does not respond.
            OtherPlanError: another rank has another grid.
        """
        leaves = _Sum.apply(image, self)
        return _rebuilt(self._template, leaves)

    def of_tile(self, pixels: Tensor, tile: Tile) -> list[Tensor]:
        """Statistics of the positions that a tile owns, as one flat list."""
        features, windows = self.owned(pixels, tile)
        self._template = self._measure(features, windows)
        return _leaves(self._template, pixels)

    def reduced(self, sums: Sequence[Tensor]) -> list[Tensor]:
        """Sums over all ranks, in one message that also compares their grids and histories."""
        return sum_with_hash(sums, self._plan) if self.shared else list(sums)

    def owned(self, pixels: Tensor, tile: Tile) -> tuple[dict[str, Tensor], dict[str, Window]]:
        """Features that a tile owns, and the window of each layer that they cover."""
        features: Mapping[str, Tensor] = self._encoder(pixels)
        fields = {layer: self._fields[layer] for layer in features}
        owned = {layer: features[layer][(..., *tile.inside(field))] for layer, field in fields.items()}
        return owned, {layer: tile.window(field) for layer, field in fields.items()}


class TiledObjective(nn.Module):
    """Losses of an image, computed tile by tile; all ranks get the same values, bit for bit.

    Args:
        encoder: see `TiledStatistics`.
        fields: see `TiledStatistics`.
        grid: see `TiledStatistics`.
        objective: objective to minimize.
        history: see `TiledStatistics`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        fields: Mapping[str, Field],
        grid: Grid,
        objective: TileableObjective,
        history: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.objective = objective
        self.statistics = TiledStatistics(encoder, fields, grid, objective.statistics, history=history)

    def forward(self, features: Mapping[str, Tensor], image: Tensor) -> dict[str, Tensor]:
        """Named scalars, "total" among them.

        Args:
            features: output of `Unseen`: the transformed image, the encoder's input, (1, 3, H, W) of the size of the
                grid.
            image: the untransformed image, for losses of its pixels.

        Raises:
            DeviceLostError: another rank does not respond.
        """
        losses = self.objective.distance(self.statistics(features[PICTURE]), image)
        return agreed(losses) if world_size() > 1 else losses


class Unseen(nn.Module):
    """Placeholder for an encoder that passes the image on to a `TiledObjective`."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The image itself as the only layer."""
        return {PICTURE: images}


@torch.no_grad()
def features_in_tiles(
    encoder: nn.Module, fields: Mapping[str, Field], grid: Grid, image: Tensor, keep: Iterable[str]
) -> dict[str, Tensor]:
    """Features of an image (1, 3, H, W) of the size of the grid; the forward pass takes the memory of one tile.

    Args:
        encoder: see `TiledStatistics`.
        fields: see `TiledStatistics`.
        grid: see `TiledStatistics`.
        image: (1, 3, H, W) in [0, 1].
        keep: layers whose features are returned; all others are meta tensors of their shape.
    """
    shapes = layer_sizes(encoder, grid.size)
    found = {layer: torch.empty(shape, device="meta") for layer, shape in shapes.items()}
    tiled = TiledStatistics(encoder, fields, grid, lambda *_: [], shared=False)
    for tile in grid.tiles:
        features, windows = tiled.owned(image[(..., *tile.seen)], tile)
        for layer in keep:
            if found[layer].is_meta:
                found[layer] = features[layer].new_empty(shapes[layer])
            found[layer][(..., *windows[layer])] = features[layer]
    return found


class _Sum(torch.autograd.Function):
    """From an image to the statistics of all tiles of all ranks, with the backward pass."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, tiled: TiledStatistics) -> tuple[Tensor, ...]:
        """Add up the statistics; the last tile keeps its graph if a gradient is needed."""
        *others, last = tiled.tiles
        sums: list[Tensor] = []
        for tile in others:
            sums = _added(sums, tiled.of_tile(image[(..., *tile.seen)], tile))
        pixels = image[(..., *last.seen)].detach()
        with torch.set_grad_enabled(ctx.needs_input_grad[0]):
            kept = tiled.of_tile(pixels.requires_grad_(ctx.needs_input_grad[0]), last)
        leaves = [total.to(leaf.dtype) for total, leaf in zip(tiled.reduced(_added(sums, kept)), kept, strict=True)]
        ctx.save_for_backward(image)
        ctx.tiled, ctx.kept = tiled, (pixels, kept)
        ctx.mark_non_differentiable(*(leaf for leaf, own in zip(leaves, kept, strict=True) if not own.requires_grad))
        kind = image.device.type
        ctx.autocast = {"device_type": kind, "enabled": torch.is_autocast_enabled(kind)}
        ctx.autocast["dtype"] = torch.get_autocast_dtype(kind)
        return tuple(leaves)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        """Propagate the gradient of the statistics to the pixels, tile by tile."""
        (image,) = ctx.saved_tensors
        *others, last = ctx.tiled.tiles
        gradient = torch.zeros_like(image)
        pixels, leaves = ctx.kept
        ctx.kept = None  # frees the graph before the next one is built
        gradient[(..., *last.seen)] += _pulled(leaves, gradients, pixels)
        del leaves
        for tile in others:
            pixels = image[(..., *tile.seen)].detach().requires_grad_()
            with torch.enable_grad(), torch.autocast(**ctx.autocast):
                leaves = ctx.tiled.of_tile(pixels, tile)
            gradient[(..., *tile.seen)] += _pulled(leaves, gradients, pixels)
            del leaves
        return sum_over_ranks(gradient) if ctx.tiled.shared else gradient, None


def _pulled(leaves: Sequence[Tensor], gradients: Sequence[Tensor], pixels: Tensor) -> Tensor:
    """Gradient with respect to `pixels` of the inner product of a tile's statistics with `gradients`."""
    pairs = [(leaf, gradient) for leaf, gradient in zip(leaves, gradients, strict=True) if leaf.requires_grad]
    (pulled,) = torch.autograd.grad([leaf for leaf, _ in pairs], pixels, [gradient for _, gradient in pairs])
    return pulled


def _leaves(statistics: Iterable[Any], like: Tensor) -> list[Tensor]:
    """Tensors of statistics, each of which is a tensor or a dataclass of tensors and numbers."""
    flat: list[Any] = []
    for statistic in statistics:
        entries = [getattr(statistic, entry.name) for entry in fields_of(statistic)] if is_dataclass(statistic) else []
        flat += entries or [statistic]
    return [
        leaf if isinstance(leaf, Tensor) else torch.full((), leaf, dtype=_exact(like), device=like.device)
        for leaf in flat
    ]


def _rebuilt(template: Iterable[Any], leaves: Sequence[Tensor]) -> list[Any]:
    """Statistics with the structure of `template` and the tensors `leaves`."""
    rest = iter(leaves)
    return [
        replace(statistic, **{entry.name: next(rest) for entry in fields_of(statistic)})
        if is_dataclass(statistic) and not isinstance(statistic, type)
        else next(rest)
        for statistic in template
    ]


def _exact(like: Tensor) -> torch.dtype:
    """Type of sums over many tiles; MPS has no float64."""
    return torch.float32 if like.device.type == "mps" else torch.float64


def _added(sums: Sequence[Tensor], leaves: Sequence[Tensor]) -> list[Tensor]:
    wide = [leaf.detach().to(_exact(leaf)) for leaf in leaves]
    return [total + leaf for total, leaf in zip(sums, wide, strict=True)] if sums else wide
