import pytest
import torch

from rnst.losses.regularizers import total_variation


def test_total_variation__zero_on_a_constant() -> None:
    assert total_variation(torch.full((1, 3, 5, 6), 0.4)).item() == 0.0


def test_total_variation__by_hand() -> None:
    image = torch.tensor([[0.0, 1.0, 3.0], [0.0, 1.0, 0.0]]).expand(1, 3, 2, 3)
    # rows: (0, 0, -3) -> 9 / 3; columns: (1, 2, 1, -1) -> 7 / 4
    assert total_variation(image).item() == pytest.approx(3.0 + 1.75)


def test_total_variation__brightness_and_direction_do_not_matter() -> None:
    image = torch.rand(1, 3, 7, 9, dtype=torch.float64)
    expected = total_variation(image)
    for same in (image + 0.3, 1.0 - image, image.flip(-1), image.flip(-2), image.mT):
        torch.testing.assert_close(total_variation(same), expected)


def test_total_variation__gradient() -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(total_variation, [image])
