"""Sums of additive statistics."""

from dataclasses import fields, is_dataclass
from typing import Any


def added(first: Any, second: Any) -> Any:
    """Statistics of both sets of positions together, tensors or dataclasses, field by field."""
    if not is_dataclass(first):
        return first + second
    return type(first)(**{each.name: getattr(first, each.name) + getattr(second, each.name) for each in fields(first)})  # type: ignore[misc]
