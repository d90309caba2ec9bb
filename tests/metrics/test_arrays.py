import pytest
import torch

from rnst.errors import InvalidValueError
from rnst.metrics.arrays import checked, luminance, to_array


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 3, 8, 8), (1, 1, 8, 8), (1, 3, 8, 7)])
def test_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidValueError, match="at least 8 px"):
        checked(torch.zeros(shape), smallest=8)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_refuses_what_is_not_finite(bad: float) -> None:
    image = torch.zeros(1, 3, 4, 4)
    image[0, 1, 2, 3] = bad
    with pytest.raises(InvalidValueError, match="finite"):
        checked(image)


def test_takes_half_precision_and_parameters() -> None:
    image = torch.rand(1, 3, 4, 5, dtype=torch.bfloat16, requires_grad=True)
    picture = checked(image)
    assert picture.dtype == torch.float32
    assert not picture.requires_grad


def test_keeps_rows_columns_and_channels_apart() -> None:
    image = torch.rand(1, 3, 4, 5)
    array = to_array(image)
    assert array.shape == (4, 5, 3)
    assert array[3, 2, 1] == image[0, 1, 3, 2].item()


def test_luminance_of_gray_is_its_value() -> None:
    assert luminance(torch.full((1, 3, 2, 2), 0.25)) == pytest.approx(0.25)
    green, blue = torch.zeros(1, 3, 1, 1), torch.zeros(1, 3, 1, 1)
    green[0, 1], blue[0, 2] = 1.0, 1.0
    assert luminance(green) == pytest.approx(0.7154, abs=1e-3)
    assert luminance(blue) == pytest.approx(0.0721, abs=1e-3)
