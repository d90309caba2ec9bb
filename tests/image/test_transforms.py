import pytest
import torch

from rnst.image.transforms import draw_offsets, shift


@pytest.mark.parametrize("offset", [(0, 0), (3, 0), (0, 2), (5, 7)], ids=str)
def test_shift__moves_and_loses_nothing(offset: tuple[int, int]) -> None:
    image, (rows, columns) = torch.rand(2, 3, 6, 8), offset
    moved = shift(image, offset)
    assert moved.shape == (2, 3, 6 + rows, 8 + columns)
    assert torch.equal(moved[..., rows:, columns:], image)
    assert torch.equal(moved[..., :rows, columns:], image[..., :1, :].expand(-1, -1, rows, -1))
    assert torch.equal(moved[..., rows:, :columns], image[..., :1].expand(-1, -1, -1, columns))


def test_shift__further_than_the_picture_is_large() -> None:
    assert shift(torch.rand(1, 3, 4, 4), (31, 31)).shape == (1, 3, 35, 35)


def test_shift__gradient_counts_the_repeats() -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(shift(image, (2, 0)).sum(), image)
    assert gradient[0, 0].tolist() == [[3.0] * 5, *[[1.0] * 5] * 3]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_offsets__first_none_then_below_the_period(count: int) -> None:
    offsets = draw_offsets(count, 8, seed=3)
    assert len(offsets) == count
    assert offsets[0] == (0, 0)
    assert all(0 <= number < 8 for offset in offsets for number in offset)
    assert offsets == draw_offsets(count, 8, seed=3)


def test_offsets__another_seed_and_every_position() -> None:
    assert draw_offsets(10, 32, 0) != draw_offsets(10, 32, 1)
    assert len(set(draw_offsets(400, 4, 0))) == 16
