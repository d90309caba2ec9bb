"""Integer geometry of tiles: what each one sees, and which positions of each layer it owns. No model, no autograd.

A tile owns pixels; of every layer it owns the positions whose pixel p * stride it owns, so that the tiles of a picture
share out all positions of all layers, each to one. It sees as many pixels more as those positions depend on. Where it
ends with the picture, the network's padding is that of the whole picture; where it does not, all positions that the
wrong padding reaches belong to a neighbor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from rnst.encoders.receptive_fields import Field, Reach, common_stride

Size = tuple[int, int]
Slices = tuple[slice, slice]

_MOST_PARTS = 128  # of one axis, in a search; more are for pictures that no search is needed for
_ENOUGH = 4  # a search ends at so many times the tiles of the best grid so far


@dataclass(frozen=True)
class Cut:
    """One axis of a tile, in pixels of the picture.

    Attributes:
        owned: first pixel that is owned, and the one behind the last.
        seen: the same of what the network looks at; it begins at a multiple of every layer's stride.
        last: whether it ends with the picture; it then owns all that is left of a layer.
    """

    owned: tuple[int, int]
    seen: tuple[int, int]
    last: bool

    @property
    def length(self) -> int:
        """Pixels that the network looks at."""
        return self.seen[1] - self.seen[0]

    def window(self, reach: Reach) -> slice:
        """Positions of a layer that are owned, counted from the beginning of the picture."""
        return self._positions(reach, 0)

    def inside(self, reach: Reach) -> slice:
        """The same positions, counted from the beginning of what the network gives for this tile."""
        return self._positions(reach, self.seen[0] // reach.stride)

    def _positions(self, reach: Reach, origin: int) -> slice:
        first, behind = (-(-pixel // reach.stride) - origin for pixel in self.owned)
        return slice(first, None if self.last else behind)


@dataclass(frozen=True)
class Tile:
    """A part of a picture."""

    rows: Cut
    columns: Cut

    @property
    def area(self) -> int:
        """Pixels that the network looks at."""
        return self.rows.length * self.columns.length

    @property
    def seen(self) -> Slices:
        """Rows and columns of the picture that the network looks at."""
        return slice(*self.rows.seen), slice(*self.columns.seen)

    def window(self, field: Field) -> Slices:
        """Rows and columns of a layer that are owned, within the layer of the whole picture."""
        return self.rows.window(field.rows), self.columns.window(field.columns)

    def inside(self, field: Field) -> Slices:
        """The same, within what the network gives for this tile."""
        return self.rows.inside(field.rows), self.columns.inside(field.columns)


@dataclass(frozen=True)
class Grid:
    """A picture cut into tiles of nearly equal size.

    Attributes:
        size: height and width of the picture in pixels.
        tiles: row by row.
    """

    size: Size
    tiles: tuple[Tile, ...]

    @property
    def largest(self) -> int:
        """Pixels that the network looks at in the largest tile."""
        return max(tile.area for tile in self.tiles)

    @property
    def overhead(self) -> float:
        """Pixels that the network looks at in all tiles, in pixels of the picture."""
        return sum(tile.area for tile in self.tiles) / (self.size[0] * self.size[1])

    def shares(self, devices: int) -> list[list[Tile]]:
        """Tiles of each device: the largest first, each to the one that has least to do."""
        shares: list[list[Tile]] = [[] for _ in range(devices)]
        for tile in sorted(self.tiles, key=lambda tile: -tile.area):
            min(shares, key=lambda share: (sum(other.area for other in share), len(share))).append(tile)
        return shares

    def cost(self, devices: int) -> float:
        """Work of the device that has most to do: pixels, times how often the network runs over them.

        A tile is looked at for its statistics, again for its gradient, and the gradient itself costs as much again; the
        last tile of each device is not looked at again, because its graph is still there.
        """
        return max(
            3.0 * sum(tile.area for tile in share) - max((tile.area for tile in share), default=0)
            for share in self.shares(devices)
        )


def whole(size: Size) -> Grid:
    """One tile, the picture itself."""
    rows, columns = (Cut((0, length), (0, length), last=True) for length in size)
    return Grid(size, (Tile(rows, columns),))


def cut(size: Size, fields: Mapping[str, Field], rows: int, columns: int) -> Grid:
    """Cut a picture into about `rows` times `columns` tiles; fewer where a tile would be smaller than a stride.

    Args:
        size: height and width in pixels.
        fields: receptive field of each layer that is used.
        rows: how many tiles lie one below the other.
        columns: how many lie side by side.
    """
    stride = common_stride(fields)
    across_rows = _cut_axis(size[0], rows, [field.rows for field in fields.values()], stride)
    across_columns = _cut_axis(size[1], columns, [field.columns for field in fields.values()], stride)
    return Grid(size, tuple(Tile(*both) for both in product(across_rows, across_columns)))


def cut_by_side(size: Size, fields: Mapping[str, Field], side: int) -> Grid:
    """Tiles that own about `side` by `side` pixels at most."""
    return cut(size, fields, -(-size[0] // side), -(-size[1] // side))


def cut_by_area(size: Size, fields: Mapping[str, Field], area: int, devices: int = 1) -> Grid | None:
    """The grid of least work whose tiles look at `area` pixels at most, with at least one tile for each device.

    Returns:
        The grid; None where not even the smallest tiles are small enough, or there are fewer than devices.
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
            break  # more cuts only look at more pixels
        candidate = cut(size, fields, rows, columns)
        cost = candidate.cost(devices)
        if len(candidate.tiles) >= devices and (best is None or cost < best[0]):
            best = cost, candidate
    return best[1] if best else None


def _cut_axis(length: int, parts: int, reaches: Sequence[Reach], stride: int) -> list[Cut]:
    """Cut one axis at multiples of `stride`, into parts as even as that allows."""
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
