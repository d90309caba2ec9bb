"""The exact gradient of a picture that is too large for one pass of the network, or belongs to several devices.

A loss knows a picture only through statistics that add up over its positions. Forward, each tile is looked at without a
graph and its statistics are added; backward, each tile is looked at again, and the gradient of the loss with respect to
the statistics is carried on into its pixels. The result is that of the whole picture but for rounding, with the memory
of one tile (Galerne et al. 2024, "Scaling painting style transfer"). We depart from the paper in two points: tiles see
only what their own positions depend on, because the gradients of neighbors add up where they overlap; and the last tile
keeps its graph, so that it is looked at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import is_dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from rnst.encoders.receptive_fields import Field, layer_sizes
from rnst.losses.statistics import Window
from rnst.optimization.ranks import agreed, rank, sum_over_ranks, world_size
from rnst.optimization.tiles import Grid, Tile

Measure = Callable[[Mapping[str, Tensor], Mapping[str, Window]], list[Any]]
PICTURE = "picture"


class TileableObjective(Protocol):
    """An objective in two halves; see `rnst.losses.objective.Objective`."""

    def statistics(self, features: Mapping[str, Tensor], windows: Mapping[str, Window] | None = None) -> list[Any]:
        """Additive statistics of features that cover a window of each layer."""

    def distance(self, statistics: Sequence[Any], image: Tensor) -> dict[str, Tensor]:
        """Named scalars, "total" among them."""


class TiledStatistics:
    """Statistics of a picture, computed tile by tile; their gradient flows into the picture.

    With a process group, each rank computes its share of the tiles, and all get the same sums. All ranks must be called
    with the same picture.

    Args:
        encoder: images (1, 3, H, W) in [0, 1] to layer -> features; frozen.
        fields: receptive field of each of its layers.
        grid: how the picture is cut.
        measure: (features, windows) to additive statistics; see `rnst.losses.objective.Objective.statistics`.
        shared: False lets each rank compute all tiles.
    """

    def __init__(
        self,
        encoder: nn.Module,
        fields: Mapping[str, Field],
        grid: Grid,
        measure: Measure,
        *,
        shared: bool = True,
    ) -> None:
        self.shared = shared and world_size() > 1
        self.tiles = grid.shares(world_size())[rank()] if self.shared else list(grid.tiles)
        self._encoder = encoder
        self._fields = fields
        self._measure = measure
        self._template: list[Any] = []

    def __call__(self, image: Tensor) -> list[Any]:
        """Statistics of a picture (1, 3, H, W) in [0, 1] of the size of the grid.

        Raises:
            DeviceLostError: another rank does not answer.
        """
        leaves = _Sum.apply(image, self)
        return _rebuilt(self._template, leaves)

    def look(self, pixels: Tensor, tile: Tile) -> list[Tensor]:
        """Statistics of what a tile owns, as one flat list."""
        features, windows = self.owned(pixels, tile)
        self._template = self._measure(features, windows)
        return _leaves(self._template, pixels)

    def reduced(self, sums: Sequence[Tensor]) -> list[Tensor]:
        """Sums over all ranks, in one message."""
        if not self.shared:
            return list(sums)
        message = sum_over_ranks(torch.cat([total.flatten() for total in sums]))
        parts = message.split([total.numel() for total in sums])
        return [part.view_as(total) for part, total in zip(parts, sums, strict=True)]

    def owned(self, pixels: Tensor, tile: Tile) -> tuple[dict[str, Tensor], dict[str, Window]]:
        """Features that a tile owns, and the window of each layer that they are."""
        features: Mapping[str, Tensor] = self._encoder(pixels)
        fields = {layer: self._fields[layer] for layer in features}
        owned = {layer: features[layer][(..., *tile.inside(field))] for layer, field in fields.items()}
        return owned, {layer: tile.window(field) for layer, field in fields.items()}


class TiledObjective(nn.Module):
    """Losses of a picture, computed tile by tile; all ranks get the same, bit for bit.

    Args:
        encoder: as of `TiledStatistics`.
        fields: likewise.
        grid: likewise.
        objective: what is minimized.
    """

    def __init__(
        self, encoder: nn.Module, fields: Mapping[str, Field], grid: Grid, objective: TileableObjective
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.objective = objective
        self.statistics = TiledStatistics(encoder, fields, grid, objective.statistics)

    def forward(self, features: Mapping[str, Tensor], image: Tensor) -> dict[str, Tensor]:
        """Named scalars, "total" among them.

        Args:
            features: of `Unseen`: the picture as the network is to see it, (1, 3, H, W) of the size of the grid.
            image: the picture itself, for losses of its pixels.

        Raises:
            DeviceLostError: another rank does not answer.
        """
        losses = self.objective.distance(self.statistics(features[PICTURE]), image)
        return agreed(losses) if world_size() > 1 else losses


class Unseen(nn.Module):
    """Stands where an encoder does, and leaves the picture to a `TiledObjective`."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The picture itself as the only layer."""
        return {PICTURE: images}


@torch.no_grad()
def features_in_tiles(
    encoder: nn.Module, fields: Mapping[str, Field], grid: Grid, image: Tensor, keep: Iterable[str]
) -> dict[str, Tensor]:
    """Features of a picture (1, 3, H, W) of the size of the grid, with the memory of one tile beside them.

    Args:
        encoder: as of `TiledStatistics`.
        fields: likewise.
        grid: likewise.
        image: the picture.
        keep: layers that are wanted; the others are given as tensors of their shape without memory.
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
    """From a picture to the statistics of all tiles of all ranks, and the way back."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, tiled: TiledStatistics) -> tuple[Tensor, ...]:
        """Add up the statistics; the last tile keeps its graph where there will be a way back."""
        *others, last = tiled.tiles
        sums: list[Tensor] = []
        for tile in others:
            sums = _added(sums, tiled.look(image[(..., *tile.seen)], tile))
        pixels = image[(..., *last.seen)].detach()
        with torch.set_grad_enabled(ctx.needs_input_grad[0]):
            kept = tiled.look(pixels.requires_grad_(ctx.needs_input_grad[0]), last)
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
        """Carry the gradient of the statistics on into the pixels, tile by tile."""
        (image,) = ctx.saved_tensors
        *others, last = ctx.tiled.tiles
        gradient = torch.zeros_like(image)
        pixels, leaves = ctx.kept
        ctx.kept = None  # the graph goes before the next one comes
        gradient[(..., *last.seen)] += _pulled(leaves, gradients, pixels)
        del leaves
        for tile in others:
            pixels = image[(..., *tile.seen)].detach().requires_grad_()
            with torch.enable_grad(), torch.autocast(**ctx.autocast):
                leaves = ctx.tiled.look(pixels, tile)
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
        leaf if isinstance(leaf, Tensor) else torch.tensor(leaf, dtype=_exact(like), device=like.device)
        for leaf in flat
    ]


def _rebuilt(template: Iterable[Any], leaves: Sequence[Tensor]) -> list[Any]:
    """Statistics of the form of `template` with other tensors."""
    rest = iter(leaves)
    return [
        replace(statistic, **{entry.name: next(rest) for entry in fields_of(statistic)})
        if is_dataclass(statistic) and not isinstance(statistic, type)
        else next(rest)
        for statistic in template
    ]


def _exact(like: Tensor) -> torch.dtype:
    """What sums over many tiles are kept in; Apple's GPUs have nothing wider than float32."""
    return torch.float32 if like.device.type == "mps" else torch.float64


def _added(sums: Sequence[Tensor], leaves: Sequence[Tensor]) -> list[Tensor]:
    wide = [leaf.detach().to(_exact(leaf)) for leaf in leaves]
    return [total + leaf for total, leaf in zip(sums, wide, strict=True)] if sums else wide
