from math import nan

import pytest

from rnst.metrics.correlation import Correlation
from rnst.studies.transferability.report import described


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Correlation(5, 0.978, 0.694, 0.999), "0.98 (0.69 to 1.00)"),
        (Correlation(3, 0.993, nan, nan), "0.99 (no interval of 3 points)"),
        (Correlation(2, nan, nan, nan), "undefined (2 points)"),
    ],
)
def test_described(found: Correlation, text: str) -> None:
    assert described(found) == text
