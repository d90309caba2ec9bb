import math

import pytest

from rnst.metrics.intervals import confidence


def test_student() -> None:
    """Four values with a standard deviation of 2: 3.182 standard errors of 1."""
    spread = math.sqrt(3.0)
    found = confidence([5.0 - spread, 5.0 + spread, 5.0 - spread, 5.0 + spread])
    assert found.mean == pytest.approx(5.0)
    assert found.half == pytest.approx(3.182)


def test_one_value__has_no_interval() -> None:
    found = confidence([0.25])
    assert found.mean == 0.25
    assert math.isnan(found.half)


def test_many_values__are_nearly_normal() -> None:
    assert confidence([0.0, 1.0] * 50).half == pytest.approx(1.96 * math.sqrt(25 / 99) / 10)
