from dataclasses import replace

import pytest
import torch

from rnst.image.transforms import Placement, Shift, draw_placements, draw_shifts, shifts_around


@pytest.mark.parametrize("offset", [(0, 0), (3, 0), (0, 2), (5, 7)], ids=str)
def test_shift__moves_and_loses_nothing(offset: tuple[int, int]) -> None:
    image, (rows, columns) = torch.rand(2, 3, 6, 8), offset
    moved = Shift(*offset)(image)
    assert moved.shape == (2, 3, 6 + rows, 8 + columns) == (2, 3, *Shift(*offset).size((6, 8)))
    assert torch.equal(moved[..., rows:, columns:], image)
    assert torch.equal(moved[..., :rows, columns:], image[..., :1, :].expand(-1, -1, rows, -1))
    assert torch.equal(moved[..., rows:, :columns], image[..., :1].expand(-1, -1, -1, columns))


def test_shift__further_than_the_picture_is_large() -> None:
    assert Shift(31, 31)(torch.rand(1, 3, 4, 4)).shape == (1, 3, 35, 35)


def test_shift__gradient_counts_the_repeats() -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(Shift(2, 0)(image).sum(), image)
    assert gradient[0, 0].tolist() == [[3.0] * 5, *[[1.0] * 5] * 3]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_shifts__first_none_then_below_the_period(count: int) -> None:
    shifts = draw_shifts(count, 8, seed=3)
    assert len(shifts) == count
    assert shifts[0] == (0, 0)
    assert all(0 <= number < 8 for shift in shifts for number in shift)
    assert shifts == draw_shifts(count, 8, seed=3)


def test_shifts__another_seed_and_every_position() -> None:
    assert draw_shifts(10, 32, 0) != draw_shifts(10, 32, 1)
    assert len(set(draw_shifts(400, 4, 0))) == 16


@pytest.mark.parametrize("size", [(5, 8), (33, 64)], ids=str)
def test_placement__without_numbers_gives_the_picture_back(size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, *size)
    torch.testing.assert_close(Placement()(image), image, rtol=0.0, atol=1e-5)


def test_placement__crops_are_windows_of_the_framed_picture() -> None:
    image = torch.rand(1, 3, 9, 14)
    framed = torch.nn.functional.pad(image, (5, 5, 5, 5), mode="replicate")
    placed = Placement(pad=5, crops=(3, 2), corners=((3, 0), (1, 2)))(image)
    torch.testing.assert_close(placed, framed[..., 4:18, 2:21], rtol=0.0, atol=1e-5)


def test_placement__a_right_angle_and_a_scale() -> None:
    image = torch.rand(1, 3, 8, 8)
    turned = Placement(angle=90.0)(image)
    torch.testing.assert_close(turned, image.rot90(-1, (-2, -1)), rtol=0.0, atol=1e-5)
    ramp = torch.linspace(0.0, 1.0, 20).expand(1, 3, 10, 20)
    halved = torch.nn.functional.interpolate(ramp, size=(5, 10), mode="bilinear")
    torch.testing.assert_close(Placement(scale=0.5)(ramp), halved, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize("placement", draw_placements(4, seed=1), ids=lambda placement: f"{placement.angle:g} degrees")
def test_placement__range_size_and_gradient(placement: Placement) -> None:
    image = torch.rand(1, 3, 21, 34)
    placed = placement(image)
    assert placed.shape[-2:] == placement.size((21, 34))
    assert image.min() <= placed.min() <= placed.max() <= image.max()
    exact = torch.rand(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(placement, exact)


def test_placement__gradient_reaches_every_pixel() -> None:
    reached = torch.zeros(48, 64)
    for placement in draw_placements(30, seed=0):
        image = torch.rand(1, 1, 48, 64, requires_grad=True)
        (gradient,) = torch.autograd.grad(replace(placement, angle=0.0)(image).sum(), image)
        assert (gradient > 0).all(), "only an angle may turn the corners out of the picture"
        (gradient,) = torch.autograd.grad(placement(image).sum(), image)
        reached += gradient[0, 0]
    assert (reached > 0).all()


def test_placement__gray_outside_takes_no_part_in_the_picture() -> None:
    image = torch.rand(1, 3, 6, 6, requires_grad=True)
    framed = Placement(pad=4, outside=0.5)(image)
    assert framed.shape[-2:] == (14, 14)
    torch.testing.assert_close(framed[..., 4:10, 4:10], image)
    torch.testing.assert_close(framed[..., :4, :], torch.full((1, 3, 4, 14), 0.5))
    (gradient,) = torch.autograd.grad(framed.sum(), image)
    torch.testing.assert_close(gradient, torch.ones_like(image))
    assert {placement.outside for placement in draw_placements(3, 0, outside=0.5)} == {0.5}


def test_placements__seeded_and_within_bounds() -> None:
    placements = draw_placements(1000, seed=7)
    assert placements == draw_placements(1000, seed=7)
    assert placements[:10] == draw_placements(10, seed=7)
    assert placements[:10] != draw_placements(10, seed=8)
    assert {round(placement.scale, 2) for placement in placements} == {round(0.9 + 0.02 * k, 2) for k in range(11)}
    angles = [placement.angle for placement in placements]
    assert set(angles) == set(range(-10, 11))
    assert 0.16 < angles.count(0.0) / 1000 < 0.31, "0 has six of 26 chances"
    assert abs(sum(angles)) / 1000 < 0.8
    for crop, index in ((8, 0), (4, 1)):
        corners = [number for placement in placements for number in placement.corners[index]]
        assert set(corners) == set(range(crop + 1))
        assert sum(corners) / len(corners) == pytest.approx(crop / 2, abs=0.2)


def test_shifts_around__small_squares_are_filled_first() -> None:
    found = [(shift.rows, shift.columns) for shift in shifts_around(Shift(7, 2), 16)]
    assert found[:2] == [(7, 2), (8, 3)]
    assert sorted(found[:4]) == [(7, 2), (7, 3), (8, 2), (8, 3)]
    assert sorted(found) == [(row, column) for row in range(7, 11) for column in range(2, 6)]
