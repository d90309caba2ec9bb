import pytest
import torch

from rnst.image.files import reduced, resize
from rnst.image.periodic import NO_WRAPS, Roll, resampled, wrapped, wraps_of
from rnst.image.transforms import Shift


def test_wraps__rows_repeat_along_y() -> None:
    assert [wraps_of(name) for name in ("none", "x", "y", "both")] == [
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    ]


@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 0), (1, 3), (5, 12)])
def test_wrapped__is_a_part_of_the_repetition(before: int, after: int) -> None:
    image = torch.rand(1, 2, 4, 5)
    repeated = torch.cat([image] * 7, -1)[..., 15 - before : 20 + after]
    assert torch.equal(wrapped(image, -1, before, after), repeated)


@pytest.mark.parametrize("resample", [resize, reduced])
@pytest.mark.parametrize("size", [(24, 32), (20, 28), (47, 31)], ids=str)
def test_resampled__is_the_resampled_repetition(resample: object, size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, 48, 64)
    nine = torch.cat([torch.cat([image] * 3, -1)] * 3, -2)
    expected = resample(nine, (3 * size[0], 3 * size[1]))[..., size[0] : 2 * size[0], size[1] : 2 * size[1]]  # type: ignore[operator]
    found = resampled(image, size, (True, True), resample)  # type: ignore[arg-type]
    assert (found - expected).abs().max() < 2e-2  # F.interpolate clips its filter in float32
    assert torch.equal(resampled(image, size, NO_WRAPS, resample), resample(image, size))  # type: ignore[arg-type, operator]


def test_resampled__commutes_with_a_roll() -> None:
    image = torch.rand(1, 3, 48, 64)
    turned = resampled(image.roll((24, 32), (-2, -1)), (24, 32), (True, True), reduced)
    straight = resampled(image, (24, 32), (True, True), reduced).roll((12, 16), (-2, -1))
    torch.testing.assert_close(turned, straight, atol=1e-5, rtol=0)
    plain = reduced(image.roll((24, 32), (-2, -1)), (24, 32))
    assert (plain - reduced(image, (24, 32)).roll((12, 16), (-2, -1))).abs().max() > 1e-3


def test_roll__moves_around_where_it_repeats_and_pads_elsewhere() -> None:
    image = torch.rand(1, 3, 6, 8)
    assert torch.equal(Roll(2, 3, (True, True))(image), image.roll((2, 3), (-2, -1)))
    mixed = Roll(2, 3, (False, True))
    assert torch.equal(mixed(image), Shift(2, 0)(image.roll(3, -1)))
    assert mixed.size((6, 8)) == (8, 8) == tuple(mixed(image).shape[-2:])
