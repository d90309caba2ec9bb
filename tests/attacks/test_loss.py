import pytest
import torch
from torch import Tensor

from rnst.attacks.ball import L2Ball
from rnst.attacks.loss import RelativeChange, relative_change
from rnst.attacks.pgd import PGD
from rnst.errors import InvalidValueError


def test_relative_change__length_of_the_difference_over_that_of_the_clean_answer() -> None:
    clean = torch.tensor([[[3.0, 4.0]], [[1.0, 0.0]]])
    changed = torch.tensor([[[3.0, 5.0]], [[0.0, 0.0]]])
    torch.testing.assert_close(relative_change(clean, changed), torch.tensor([0.2, 1.0]))
    assert relative_change(clean * 0, clean * 0).tolist() == [0.0, 0.0]


def test_relative_change__pgd_finds_the_largest_of_a_linear_map() -> None:
    matrix = torch.randn(6, 48)
    images = torch.full((3, 3, 4, 4), 0.5) + 0.1 * torch.rand(3, 3, 4, 4)

    def model(batch: Tensor) -> Tensor:
        return batch.flatten(1) @ matrix.T

    attack = PGD(L2Ball(0.1), 60, 0.02, random_start=True, loss=RelativeChange())
    attacked = attack(model, images, torch.zeros(3))
    clean = model(images)
    largest = 0.1 * torch.linalg.svdvals(matrix)[0] / torch.linalg.vector_norm(clean, dim=1)
    found = relative_change(clean, model(attacked))
    assert bool((found <= largest * 1.0001).all())
    assert bool((found > largest * 0.95).all())


def test_relative_change__wants_a_random_start() -> None:
    with pytest.raises(InvalidValueError, match="random_start"):
        PGD(L2Ball(0.1), loss=RelativeChange())
