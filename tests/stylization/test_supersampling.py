import pytest

from rnst.stylization.job import resolve
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.supersampling import usual_supersampling


@pytest.mark.parametrize(
    ("size", "factor"), [(64, 3.0), (512, 3.0), (1024, 3.0), (1536, 2.0), (2048, 1.5), (4096, 1.0)]
)
def test_usual__three_while_3072_pixels_are_enough_and_never_less_than_one(size: int, factor: float) -> None:
    assert usual_supersampling(size) == factor
    assert resolve(StylizationSettings(size=size)).resolution.supersample == factor


def test_a_factor_that_is_given_stays() -> None:
    assert resolve(StylizationSettings(size=4096, supersample=2.0)).resolution.supersample == 2.0


def test_a_print_has_that_of_its_pixels() -> None:
    job = resolve(StylizationSettings(print="30x40cm"))
    assert job.resolution.size > 4000
    assert job.resolution.supersample == 1.0
