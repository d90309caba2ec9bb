import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from rnst.errors import InvalidValueError
from rnst.ranges import (
    NonNegativeFloat,
    NonNegativeInt,
    PhotoSide,
    Pixels,
    PositiveFloat,
    PositiveInt,
    Quality,
    Seed,
    SeveralInt,
    Share,
    check_ranges,
    range_of,
    restricted_part,
)


@dataclass(frozen=True)
class _Settings:
    steps: PositiveInt = 3
    weight: NonNegativeFloat | None = None
    scales: PositiveInt | Literal["auto"] = "auto"
    radii: list[PositiveFloat] | None = None
    share: Share = 0.5
    name: str = "x"

    def __post_init__(self) -> None:
        check_ranges(self)


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 0},
        {"steps": 2.5},
        {"steps": "x"},
        {"steps": True},
        {"weight": -0.1},
        {"weight": math.nan},
        {"weight": math.inf},
        {"scales": 0},
        {"scales": "many"},
        {"radii": [1.0, 0.0]},
        {"share": 1.0},
    ],
    ids=str,
)
def test_python_callers_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match=f"--{next(iter(options))} is"):
        _Settings(**options)


def test_values_become_plain_numbers() -> None:
    settings = _Settings(steps=PositiveInt(4), weight=NonNegativeFloat(0.0), radii=[PositiveFloat(2.0)], scales=2)
    assert settings == _Settings(4, 0.0, 2, [2.0])
    assert settings.radii is not None
    assert [type(value) for value in (settings.steps, settings.weight, settings.radii[0])] == [int, float, float]


def test_ranges_in_words() -> None:
    assert range_of(Quality) == "from 1 to 100"
    assert range_of(Share) == "at least 0 and less than 1"
    assert range_of(restricted_part(list[PositiveFloat] | None)) == "more than 0"
    assert range_of(int) == ""


@pytest.mark.parametrize("kind", [PositiveInt, NonNegativeInt, SeveralInt, Pixels, PhotoSide, Seed])
def test_whole_numbers_have_an_end_that_arrays_can_count(kind: Callable[[int], int]) -> None:
    for value in (10**10, 10**23) if kind is not Seed else (10**23,):
        with pytest.raises(ValueError, match=str(value)):
            kind(value)
    assert "1,000,000,000" not in range_of(kind, is_short=True)


def test_none_is_refused_where_it_means_nothing() -> None:
    with pytest.raises(InvalidValueError, match="--steps is 'none', but must be given"):
        _Settings(steps=None)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="--name"):
        _Settings(name=None)  # type: ignore[arg-type]
    assert _Settings(weight=None).weight is None
