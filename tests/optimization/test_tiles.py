from itertools import product

import pytest

from rnst.encoders.receptive_fields import Field, Reach
from rnst.optimization.tiles import Grid, cut, cut_by_area, cut_by_side, whole

_VGG = {
    "relu1_1": Field(Reach(1, 1, 1), Reach(1, 1, 1)),
    "relu3_1": Field(Reach(4, 10, 13), Reach(4, 10, 13)),
    "relu5_1": Field(Reach(16, 70, 85), Reach(16, 70, 85)),
}
_UNEVEN = {"a": Field(Reach(2, 0, 30), Reach(4, -2, 9)), "b": Field(Reach(6, 40, 0), Reach(2, 11, 3))}
# Rounding to the stride hides nothing here: the last pixel that counts is the first of a stride.
_TIGHT = {"a": Field(Reach(4, 8, 16), Reach(2, 6, 8)), "b": Field(Reach(4, 4, 8), Reach(2, 2, 4))}
_SIZES = [(203, 301), (64, 1000), (17, 16), (480, 640)]
_COUNTS = [(1, 1), (2, 3), (5, 1), (7, 7)]

_cases = pytest.mark.parametrize(
    ("fields", "size", "counts"),
    list(product([_VGG, _UNEVEN, _TIGHT], _SIZES, _COUNTS)),
    ids=lambda case: str(case)[:12],
)


@_cases
def test_every_position_of_every_layer_has_one_owner(
    fields: dict[str, Field], size: tuple[int, int], counts: tuple[int, int]
) -> None:
    grid = cut(size, fields, *counts)
    for field in fields.values():
        shape = tuple(
            -(-length // reach.stride) for length, reach in zip(size, (field.rows, field.columns), strict=True)
        )
        owners = [[0] * shape[1] for _ in range(shape[0])]
        for tile in grid.tiles:
            rows, columns = tile.window(field)
            for row, column in product(range(*rows.indices(shape[0])), range(*columns.indices(shape[1]))):
                owners[row][column] += 1
        assert {count for line in owners for count in line} == {1}


@_cases
def test_each_tile_sees_what_its_positions_depend_on(
    fields: dict[str, Field], size: tuple[int, int], counts: tuple[int, int]
) -> None:
    for tile in cut(size, fields, *counts).tiles:
        for axis, length in (("rows", size[0]), ("columns", size[1])):
            cut_ = getattr(tile, axis)
            begin, end = cut_.seen
            assert 0 <= begin < end <= length
            for reach in (getattr(field, axis) for field in fields.values()):
                assert begin % reach.stride == 0
                window, inside = cut_.window(reach), cut_.inside(reach)
                assert window.start - inside.start == begin // reach.stride
                assert inside.start >= 0
                assert max(0, window.start * reach.stride - reach.before) >= begin
                last = length - 1 if window.stop is None else (window.stop - 1) * reach.stride + reach.after
                assert min(last, length - 1) < end


@_cases
def test_tiles_are_even(fields: dict[str, Field], size: tuple[int, int], counts: tuple[int, int]) -> None:
    grid = cut(size, fields, *counts)
    for axis in ("rows", "columns"):
        lengths = {getattr(tile, axis).owned[1] - getattr(tile, axis).owned[0] for tile in grid.tiles}
        assert max(lengths) - min(lengths) <= 2 * 16


def test_whole__sees_and_owns_all() -> None:
    grid = whole((30, 40))
    (tile,) = grid.tiles
    assert tile.seen == (slice(0, 30), slice(0, 40))
    assert tile.window(_VGG["relu5_1"]) == tile.inside(_VGG["relu5_1"]) == (slice(0, None), slice(0, None))
    assert grid.overhead == 1.0


@pytest.mark.parametrize("side", [64, 100, 512])
def test_by_side__no_tile_owns_more(side: int) -> None:
    grid = cut_by_side((1000, 700), _VGG, side)
    for tile in grid.tiles:
        assert max(cut_.owned[1] - cut_.owned[0] for cut_ in (tile.rows, tile.columns)) <= side + 16


def _area(grid: Grid | None) -> int:
    assert grid is not None
    return grid.largest


def test_by_area__the_whole_where_it_fits_else_the_least_work() -> None:
    assert cut_by_area((1536, 2048), _VGG, 1536 * 2048) == whole((1536, 2048))
    half = cut_by_area((1536, 2048), _VGG, 1_800_000)
    assert _area(half) <= 1_800_000
    assert half is not None
    assert len(half.tiles) == 2
    assert cut_by_area((1536, 2048), _VGG, 100) is None


@pytest.mark.parametrize("devices", [2, 3, 8])
def test_by_area__every_device_has_as_much_to_do(devices: int) -> None:
    grid = cut_by_area((1536, 2048), _VGG, 700_000, devices)
    assert grid is not None
    shares = grid.shares(devices)
    areas = [sum(tile.area for tile in share) for share in shares]
    assert min(areas) > 0.75 * max(areas)
    assert sorted(map(repr, grid.tiles)) == sorted(repr(tile) for share in shares for tile in share)


def test_by_area__a_picture_too_small_for_the_devices() -> None:
    assert cut_by_area((16, 16), _VGG, 10_000, devices=2) is None


def test_cost__the_last_tile_has_one_forward_pass() -> None:
    assert whole((10, 10)).cost(1) == 2 * 100
