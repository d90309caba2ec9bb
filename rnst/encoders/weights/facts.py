"""Facts that travel with weights, checked like any other input when a file is read."""

import json
import math
from collections.abc import Callable
from typing import Any

from rnst.encoders.weights.layouts import Facts, LayoutError

_CHANNELS = 3
_SMALLEST, _LARGEST = 1e-6, 1e6  # of mean and std, of images in [0, 1]: float32 can divide by them
_MOST_VALUES = 1_000_000  # a pickle of a kilobyte may expand beyond any memory
_LONGEST_QUOTE = 60  # characters


class FactError(LayoutError):
    """A file states something about its weights that cannot be."""


def read_facts(text: str) -> Facts:
    """The facts in a JSON text.

    Raises:
        FactError: it is no JSON object, or one of the facts cannot be.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FactError(f"its facts are not JSON: {error}") from error
    return checked_facts(content)


def checked_facts(content: object) -> Facts:
    """The facts in a dictionary: plain values, and those that are used make sense. Others are free.

    Args:
        content: what a file holds in the place of its facts.

    Returns:
        The same as JSON gives it back: tuples are lists.

    Raises:
        FactError: it is no dictionary, holds NaN, infinity or what JSON does not know, or one of the facts cannot be.
    """
    if not isinstance(content, dict):
        raise FactError(f"its facts are {_quoted(content)}, but must be an object")
    return {_name(name): _checked(name, value) for name, value in content.items()}


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise FactError(f"one of its facts is called {_quoted(name)}, but must have a text as its name")
    return name


def _checked(name: str, value: object) -> Any:
    try:
        _count(value, _MOST_VALUES)
        plain = json.loads(json.dumps(value, allow_nan=False))
    except (ValueError, TypeError, RecursionError) as error:
        wanted = "made of texts, finite numbers, lists and objects"
        raise FactError(f"its fact {name!r} is {_quoted(value)}, but must be {wanted}") from error
    if name in _RULES:
        is_right, wanted = _RULES[name]
        if not is_right(plain):
            raise FactError(f"its fact {name!r} is {_quoted(plain)}, but must be {wanted}")
    return plain


def _count(value: object, left: int) -> int:
    """How many more values there may be after this one."""
    if left == 0:
        raise ValueError("too many values")
    left -= 1
    if isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            left = _count(each, left)
    return left


def _quoted(value: object) -> str:
    """A value for a message; of what may be endless its kind alone."""
    if isinstance(value, list | tuple):
        is_short = len(value) <= _CHANNELS and not any(isinstance(each, list | tuple | dict) for each in value)
        return f"[{', '.join(map(_quoted, value))}]" if is_short else f"a list of {len(value)}"
    if value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < _LARGEST):
        text = json.dumps(value)
        return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."
    return "an object" if isinstance(value, dict) else f"of the kind {type(value).__name__}"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: object, lowest: float = -math.inf, highest: float = math.inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest


def _is_count(value: object, lowest: int) -> bool:
    return isinstance(value, int) and _is_number(value, lowest, _LARGEST)


def _are_three(value: object, lowest: float) -> bool:
    return isinstance(value, list) and len(value) == _CHANNELS and all(_is_number(v, lowest, _LARGEST) for v in value)


# What other code relies on -> whether a value may be used, and how it is described.
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "architecture": (_is_text, "the name of a network"),
    "classes": (lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of names"),
    "image_size": (lambda value: _is_count(value, 1), "a number of pixels"),
    "mean": (lambda value: _are_three(value, -_LARGEST), "three finite numbers, for images in [0, 1]"),
    "std": (lambda value: _are_three(value, _SMALLEST), "three finite numbers above 0, for images in [0, 1]"),
    "crop": (lambda value: value in ["resized", "shifted", "padded", "whole"], "resized, shifted, padded or whole"),
    "norm": (_is_text, "the name of a norm"),
    "radius": (lambda value: _is_number(value, 0.0), "a finite number, 0 or above, for images in [0, 1]"),
    "logits": (lambda value: _is_count(value, 1), "a number of classes"),
    "epochs": (lambda value: _is_count(value, 0), "a number of epochs"),
    "accuracy_clean": (lambda value: _is_number(value, 0.0, 1.0), "between 0 and 1"),
    "accuracy_attacked": (lambda value: _is_number(value, 0.0, 1.0), "between 0 and 1"),
}
