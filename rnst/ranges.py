"""Types of numbers within a range: command line, help and Python callers are held to the same ones."""

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from rnst.errors import InvalidValueError

SMALLEST_SIZE = 32  # pixels; below, the deepest layers of a ResNet have no extent left
_LARGEST_SIZE = 1_000_000  # pixels of a side
LARGEST_PHOTO = 8192  # pixels of a side of what a classifier receives
_LARGEST = 1_000_000_000  # of every other whole number: far beyond what is useful, and no library overflows

if TYPE_CHECKING:
    PositiveInt: TypeAlias = int
    SeveralInt: TypeAlias = int
    NonNegativeInt: TypeAlias = int
    Pixels: TypeAlias = int
    Dpi: TypeAlias = float
    PhotoSide: TypeAlias = int
    Quality: TypeAlias = int
    PositiveFloat: TypeAlias = float
    NonNegativeFloat: TypeAlias = float
    Share: TypeAlias = float
    Supersampling: TypeAlias = float
    ProperShare: TypeAlias = float
    Seed: TypeAlias = int
    Port: TypeAlias = int
    Weight: TypeAlias = float
    LearningRate: TypeAlias = float
    StyleScale: TypeAlias = float
    Aspect: TypeAlias = float
    Decay: TypeAlias = float
    Minutes: TypeAlias = float
else:
    from jsonargparse import typing as numbers
    from jsonargparse.typing import restricted_number_type

    NonNegativeFloat = numbers.NonNegativeFloat
    PositiveFloat, ProperShare = numbers.PositiveFloat, numbers.OpenUnitInterval
    NonNegativeInt = restricted_number_type("WholeNumberOrZero", int, [(">=", 0), ("<=", _LARGEST)])
    PositiveInt = restricted_number_type("WholeNumber", int, [(">=", 1), ("<=", _LARGEST)])
    SeveralInt = restricted_number_type("SeveralInt", int, [(">=", 2), ("<=", _LARGEST)])
    Pixels = restricted_number_type("Pixels", int, [(">=", SMALLEST_SIZE), ("<=", _LARGEST_SIZE)])
    PhotoSide = restricted_number_type("PhotoSide", int, [(">=", 1), ("<=", LARGEST_PHOTO)])
    Dpi = restricted_number_type("Dpi", float, [(">=", 1.0), ("<=", 10_000.0)])
    Quality = restricted_number_type("Quality", int, [(">=", 1), ("<=", 100)])
    # Beyond four, the reduction averages away what the larger size adds.
    Supersampling = restricted_number_type("Supersampling", float, [(">=", 1.0), ("<=", 4.0)])
    Seed = restricted_number_type("Seed", int, [(">=", 0), ("<=", 2**63 - 1)])  # what generators take
    Port = restricted_number_type("Port", int, [(">=", 0), ("<=", 2**16 - 1)])
    # Far beyond what is useful, and far below what overflows float32 once it is squared and summed.
    Weight = restricted_number_type("Weight", float, [(">=", 0.0), ("<=", 1e25)])
    LearningRate = restricted_number_type("LearningRate", float, [(">", 0.0), ("<=", 1e6)])
    StyleScale = restricted_number_type("StyleScale", float, [(">=", 0.01), ("<=", 16.0)])
    Aspect = restricted_number_type("Aspect", float, [(">=", 0.01), ("<=", 100.0)])
    Minutes = restricted_number_type("Minutes", float, [(">=", 0.0), ("<=", 1e6)])
    Decay = restricted_number_type("Decay", float, [(">=", 0.0), ("<=", 10.0)])
    Share = restricted_number_type("Share", float, [(">=", 0.0), ("<", 1.0)])

_EMPTY = {False: ("",), True: (".",)}  # whether a name is a path -> what it is where nothing was given
_WORDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def range_of(kind: Any, *, is_short: bool = False) -> str:
    """The range of a restricted type in words, "" for any other type: "at least 1", "from 1 to 100".

    Args:
        kind: a type.
        is_short: leave out a limit that nobody reaches.
    """
    given = [(compare.__name__, limit) for compare, limit in getattr(kind, "_restrictions", ())]
    limits = {compare: _number(limit) for compare, limit in given if not is_short or limit < _LARGEST}
    if limits.keys() == {"ge", "le"}:
        return f"from {limits['ge']} to {limits['le']}"
    return " and ".join(f"{_WORDS[compare]} {limit}" for compare, limit in limits.items())


def _number(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"{limit:g}"


def parts_of(hint: Any) -> tuple[Any, ...]:
    """Members of a union; the type itself where it is none."""
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def restricted_part(hint: Any) -> Any:
    """The restricted type in a hint, also that of the entries of a list; None where there is none."""
    for part in parts_of(hint):
        inner = get_args(part)[0] if get_origin(part) is list else part
        if range_of(inner):
            return inner
    return None


def check_needed(settings: Any) -> None:
    """Refuse none where a field of a dataclass has no usual value.

    Raises:
        InvalidValueError: names the field.
    """
    for name in _needed_fields(settings.__class__):
        if getattr(settings, name) is None:
            raise InvalidValueError(f"--{name}", "none", "given: it has no usual value")


def check_ranges(settings: Any) -> None:
    """Hold every field of a dataclass to the range of its type, and make plain numbers of restricted ones.

    Raises:
        InvalidValueError: a number is outside of its range, or no number; or a value is none that cannot be.
    """
    check_needed(settings)
    for name, (hint, kind) in _restricted_fields(settings.__class__).items():
        value = getattr(settings, name)
        if value is None or any(get_origin(part) is Literal and value in get_args(part) for part in parts_of(hint)):
            continue
        is_list = isinstance(value, list | tuple)
        try:
            plain = [_plain(each, kind) for each in (value if is_list else [value])]
        except (TypeError, ValueError, OverflowError) as error:
            each = ", each of them" if is_list else ""
            raise InvalidValueError(f"--{name}", value, f"{range_of(kind)}{each}{_finite(value)}") from error
        object.__setattr__(settings, name, plain if is_list else plain[0])


def _finite(value: Any) -> str:
    return " and finite" if value == math.inf else ""


def check_names(settings: Any, fields: Sequence[str]) -> None:
    """Refuse a name that is missing or empty, as an unset variable gives: the path of "" is the current folder.

    Args:
        settings: a dataclass.
        fields: those that hold a name, a list of names, a path, or None.

    Raises:
        InvalidValueError: a name is empty.
    """
    check_needed(settings)
    for name in fields:
        value = getattr(settings, name)
        values = value if isinstance(value, list | tuple) else [value]
        if any(one is not None and str(one) in _EMPTY[isinstance(one, Path)] for one in values):
            raise InvalidValueError(f"--{name}", "", "a name, and not empty")


@cache
def _needed_fields(kind: type[Any]) -> list[str]:
    return [name for name, hint in get_type_hints(kind).items() if hint is not Any and type(None) not in parts_of(hint)]


@cache
def _restricted_fields(kind: type[Any]) -> dict[str, tuple[Any, Any]]:
    hints = get_type_hints(kind)
    return {name: (hint, found) for name, hint in hints.items() if (found := restricted_part(hint)) is not None}


def _plain(value: Any, kind: Any) -> Any:
    if not math.isfinite(kind(value)):  # the type itself refuses what is out of range
        raise ValueError("infinite")
    base = next(base for base in (int, float) if issubclass(kind, base))
    return base(value) if isinstance(value, kind) else value
