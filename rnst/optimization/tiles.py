"""Integer geometry of tiles: the pixels each one receives, and the positions of each layer it owns. No autograd.

A tile owns pixels; of every layer it owns the positions whose pixel p * stride it owns, so that every position of every
layer belongs to exactly one tile. A tile also receives the surrounding pixels that these positions depend on. At the
border of the image, the network's padding is the same as for the whole image; elsewhere, all positions that the padding
affects belong to a neighboring tile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from rnst.encoders.receptive_fields import Field, Reach, common_stride

Size = tuple[int, int]
Slices = tuple[slice, slice]

_MOST_PARTS = 128  # most parts of one axis in a search
_ENOUGH = 4  # a search ends at this multiple of the number of tiles of the best grid so far


@dataclass(frozen=True)
class Cut:
    """One axis of a tile, in pixels of the image.

    Attributes:
        owned: first owned pixel, and the end (exclusive).
        seen: first pixel that the network receives, a multiple of every layer's stride, and the end (exclusive).
        last: whether the tile ends at the border of the image; it then owns all remaining positions of a layer.
    """

    owned: tuple[int, int]
    seen: tuple[int, int]
    last: bool

    @property
    def length(self) -> int:
        """Pixels that the network receives."""
        return self.seen[1] - self.seen[0]

    def window(self, reach: Reach) -> slice:
        """Owned positions of a layer, in the layer of the whole image."""
        return self._positions(reach, 0)

    def inside(self, reach: Reach) -> slice:
        """Owned positions of a layer, in the network's output for this tile."""
        return self._positions(reach, self.seen[0] // reach.stride)

    def _positions(self, reach: Reach, origin: int) -> slice:
        first, behind = (-(-pixel // reach.stride) - origin for pixel in self.owned)
        return slice(first, None if self.last else behind)


@dataclass(frozen=True)
class Tile:
    """A rectangle of the image."""

    rows: Cut
    columns: Cut

    @property
    def area(self) -> int:
        """Pixels that the network receives."""
        return self.rows.length * self.columns.length

    @property
    def seen(self) -> Slices:
        """Rows and columns of the image that the network receives."""
        return slice(*self.rows.seen), slice(*self.columns.seen)

    def window(self, field: Field) -> Slices:
        """Owned rows and columns of a layer, in the layer of the whole image."""
        return self.rows.window(field.rows), self.columns.window(field.columns)

    def inside(self, field: Field) -> Slices:
        """Owned rows and columns of a layer, in the network's output for this tile."""
        return self.rows.inside(field.rows), self.columns.inside(field.columns)


@dataclass(frozen=True)
class Grid:
    """An image cut into tiles of nearly equal size.

    Attributes:
        size: height and width of the image in pixels.
        tiles: row by row.
    """

    size: Size
    tiles: tuple[Tile, ...]

    @property
    def largest(self) -> int:
        """Pixels that the network receives for the largest tile."""
        return max(tile.area for tile in self.tiles)

    @property
    def overhead(self) -> float:
        """Pixels that the network receives for all tiles, as a multiple of the pixels of the image."""
        return sum(tile.area for tile in self.tiles) / (self.size[0] * self.size[1])

    def shares(self, devices: int) -> list[list[Tile]]:
        """Tiles of each device: the largest first, each to the device with the least work."""
        shares: list[list[Tile]] = [[] for _ in range(devices)]
        for tile in sorted(self.tiles, key=lambda tile: -tile.area):
            min(shares, key=lambda share: (sum(other.area for other in share), len(share))).append(tile)
        return shares

    def cost(self, devices: int) -> float:
        """Work of the device with the most work: pixels times passes of the network.

        A tile needs a forward pass for its statistics, and another forward pass and a backward pass for its gradient.
        The last tile of each device keeps its graph and needs only one forward pass.
        """
        return max(
            3.0 * sum(tile.area for tile in share) - max((tile.area for tile in share), default=0)
            for share in self.shares(devices)
        )


def whole(size: Size) -> Grid:
    """A single tile, the whole image."""
    rows, columns = (Cut((0, length), (0, length), last=True) for length in size)
    return Grid(size, (Tile(rows, columns),))


def cut(size: Size, fields: Mapping[str, Field], rows: int, columns: int) -> Grid:
    """Cut an image into about `rows` times `columns` tiles; fewer where a tile would be smaller than a stride.

    Args:
        size: height and width in pixels.
        fields: receptive field of each layer that is used.
        rows: number of rows of tiles.
        columns: number of columns of tiles.
    """
    stride = common_stride(fields)
    across_rows = _cut_axis(size[0], rows, [field.rows for field in fields.values()], stride)
    across_columns = _cut_axis(size[1], columns, [field.columns for field in fields.values()], stride)
    return Grid(size, tuple(Tile(*both) for both in product(across_rows, across_columns)))


def cut_by_side(size: Size, fields: Mapping[str, Field], side: int) -> Grid:
    """Tiles that own about `side` by `side` pixels at most."""
    return cut(size, fields, -(-size[0] // side), -(-size[1] // side))


def cut_by_area(size: Size, fields: Mapping[str, Field], area: int, devices: int = 1) -> Grid | None:
    """The grid of least work whose tiles receive at most `area` pixels, with at least one tile for each device.

    Returns:
        The grid; None if even the smallest tiles are too large, or if there are fewer tiles than devices.
    """
    most = [min(_MOST_PARTS, max(1, length // common_stride(fields))) for length in size]
    longest = (
        [max(tile.rows.length for tile in cut(size, fields, parts, 1).tiles) for parts in range(1, most[0] + 1)],
        [max(tile.columns.length for tile in cut(size, fields, 1, parts).tiles) for parts in range(1, most[1] + 1)],
    )
    counts = product(*(range(1, parts + 1) for parts in most))
    best: tuple[float, Grid] | None = None
    for rows, columns in sorted(counts, key=lambda pair: pair[0] * pair[1]):
        if rows * columns < devices or longest[0][rows - 1] * longest[1][columns - 1] > area:
            continue
        if best is not None and rows * columns > _ENOUGH * max(devices, len(best[1].tiles)):
            break  # more tiles only add overlap
        candidate = cut(size, fields, rows, columns)
        cost = candidate.cost(devices)
        if len(candidate.tiles) >= devices and (best is None or cost < best[0]):
            best = cost, candidate
    return best[1] if best else None


def _cut_axis(length: int, parts: int, reaches: Sequence[Reach], stride: int) -> list[Cut]:
    """Cut one axis at multiples of `stride`, into parts of nearly equal length."""
    bounds = sorted({round(length * part / parts / stride) * stride for part in range(parts)})
    bounds = [*(bound for bound in bounds if bound < length), length]
    return [_cut_out(owned, length, reaches, stride) for owned in pairwise(bounds)]


def _cut_out(owned: tuple[int, int], length: int, reaches: Sequence[Reach], stride: int) -> Cut:
    begin, end = owned
    last = end == length
    # In every layer the first owned position lies at `begin`, and the last one a stride of that layer before `end`.
    first_seen = max(0, (begin - max(0, *(reach.before for reach in reaches))) // stride * stride)
    needed = end if last else max(end, *(end - reach.stride + reach.after + 1 for reach in reaches))
    return Cut(owned, (first_seen, min(length, -(-needed // stride) * stride)), last)
