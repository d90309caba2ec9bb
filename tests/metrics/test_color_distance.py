import pytest
import torch
from skimage.color import rgb2lab
from torch import Tensor

from rnst.metrics.color_distance import _directions, color_distance


def _flat(color: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(color).view(1, 3, 1, 1).expand(1, 3, 8, 6)


def test_zero_for_the_same_colors_in_any_order(pictures: dict[str, Tensor]) -> None:
    assert color_distance(pictures["style"], pictures["style"]) == 0.0
    assert color_distance(pictures["shuffled"], pictures["style"]) == 0.0


def test_symmetric_and_indifferent_to_size(pictures: dict[str, Tensor]) -> None:
    there = color_distance(pictures["photo"], pictures["style"])
    assert color_distance(pictures["style"], pictures["photo"]) == pytest.approx(there, rel=1e-9)
    twice = pictures["photo"].repeat(1, 1, 2, 1)
    assert color_distance(twice, pictures["style"]) == pytest.approx(there, rel=1e-9)


def test_of_two_flat_colors_is_their_mean_projection() -> None:
    first, second = (0.2, 0.4, 0.6), (0.7, 0.5, 0.3)
    apart = rgb2lab([[first]])[0, 0] - rgb2lab([[second]])[0, 0]
    # The mean of |cos| over the sphere is one half.
    length = float((apart**2).sum() ** 0.5)
    assert color_distance(_flat(first), _flat(second)) == pytest.approx(0.5 * length, rel=0.05)


def test_largest_distance_of_grays_is_in_range() -> None:
    assert color_distance(_flat((0.0, 0.0, 0.0)), _flat((1.0, 1.0, 1.0))) == pytest.approx(50.0, rel=0.05)


def test_directions_are_unit_and_even() -> None:
    directions = torch.from_numpy(_directions())
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(64, dtype=torch.float64))
    # A frame that favors no axis has a third of the energy in each.
    torch.testing.assert_close(directions.T @ directions / 64, torch.eye(3, dtype=torch.float64) / 3, atol=0.02, rtol=0)


def test_transfer_brings_the_colors_closer(pictures: dict[str, Tensor]) -> None:
    photo = color_distance(pictures["photo"], pictures["style"])
    assert 0.0 < color_distance(pictures["recolored"], pictures["style"]) < 0.6 * photo
