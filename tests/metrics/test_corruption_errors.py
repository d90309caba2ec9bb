import math

import pytest
import torch

from rnst.metrics.corruption_errors import corruption_errors, published_alexnet
from rnst.metrics.robustness import interval

_NAMES = ("fog", "frost")


def _answers(errors: list[float], photos: int = 100) -> torch.Tensor:
    """Right answers with exactly these shares of errors, one for each version."""
    return torch.stack([torch.arange(photos) >= round(error * photos) for error in errors], 1)


def test_the_reference_is_exactly_100() -> None:
    right = torch.rand(37, 1 + 2 * 5) > torch.linspace(0.2, 0.7, 11)
    found = corruption_errors(right, right, _NAMES)
    assert found.mean.value == found.mean.low == found.mean.high == 100.0
    assert found.degradation.value == 100.0
    assert set(found.relative_to_reference.values()) == {100.0}


def test_the_formula() -> None:
    ours = _answers([0.1, 0.2, 0.4, 0.3, 0.5])
    reference = _answers([0.2, 0.4, 0.6, 0.5, 0.9])
    found = corruption_errors(ours, reference, _NAMES)
    assert found.clean.value == pytest.approx(0.1)
    assert found.errors["fog"] == pytest.approx((0.2, 0.4))
    assert found.relative_to_reference == pytest.approx({"fog": 100 * 0.6 / 1.0, "frost": 100 * 0.8 / 1.4})
    assert found.mean.value == pytest.approx((60.0 + 800 / 14) / 2)
    assert found.degradation.value == pytest.approx(100 * (0.4 / 0.6 + 0.6 / 1.0) / 2)
    assert found.mean.low < found.mean.value < found.mean.high


def test_published_alexnet__a_network_of_its_errors_is_100() -> None:
    errors = published_alexnet(_NAMES)
    assert errors[[0, 1, 6]].tolist() == [0.43478, 0.819324, 0.826572]
    right = _answers(errors.tolist(), photos=20_000)
    found = corruption_errors(right, errors, _NAMES)
    assert found.mean.value == pytest.approx(100.0, abs=0.02)
    assert found.degradation.value == pytest.approx(100.0, abs=0.05)


def test_intervals__narrow_with_more_photos_and_follow_the_seed() -> None:
    ours, reference = [0.2, 0.4, 0.5, 0.6, 0.7, 0.8], published_alexnet(("fog",))
    few, many = (corruption_errors(_answers(ours, photos), reference, ("fog",)) for photos in (50, 5000))
    assert few.mean.high - few.mean.low > 5 * (many.mean.high - many.mean.low)
    assert corruption_errors(_answers(ours, 50), reference, ("fog",)) == few
    assert (few.clean.low, few.clean.high) == interval(10, 50)


@pytest.mark.parametrize(("error", "photos"), [(0.0, 20), (1.0, 20), (1.0, 1)])
def test_intervals__never_of_zero_length(error: float, photos: int) -> None:
    found = corruption_errors(_answers([error] * 6, photos), published_alexnet(("fog",)), ("fog",))
    assert found.clean.value == error
    assert found.clean.low < found.clean.high
    for one in (found.mean, found.degradation):
        assert math.isfinite(one.value)
        assert math.isnan(one.low)
        assert math.isnan(one.high)


def test_a_reference_without_errors_defines_nothing() -> None:
    found = corruption_errors(_answers([0.1, 0.2, 0.3]), _answers([0.0, 0.0, 0.0]), ("fog",))
    assert math.isnan(found.mean.value)
    assert math.isnan(found.mean.low)
