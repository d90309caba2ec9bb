"""The further options of the page: read from the settings, so that none is written down twice."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from docstring_parser import parse

from rnst.ranges import parts_of

_SWITCH = ("true", "false")


@dataclass(frozen=True)
class Option:
    """One further option.

    Attributes:
        name: of the setting.
        choices: what it may be; empty where anything may be typed.
        default: as text; "" where it depends on others.
        description: one or two sentences.
    """

    name: str
    choices: tuple[str, ...]
    default: str
    description: str


def further_options(
    settings: type[Any], groups: Mapping[str, Collection[str]], without: Collection[str]
) -> dict[str, list[Option]]:
    """Options by the title of their group.

    Args:
        settings: a dataclass whose docstring describes each field under Args.
        groups: title -> names of fields.
        without: fields that are set elsewhere.
    """
    hints, found = get_type_hints(settings), {entry.name: entry for entry in fields(settings)}
    texts = {
        entry.arg_name: " ".join((entry.description or "").split()) for entry in parse(settings.__doc__ or "").params
    }
    listed = {
        title: [_option(name, hints[name], found[name].default, texts[name]) for name in names if name not in without]
        for title, names in groups.items()
    }
    return {title: options for title, options in listed.items() if options}


def _option(name: str, hint: Any, default: Any, text: str) -> Option:
    parts = [part for part in parts_of(hint) if part is not NoneType]
    alone = all(get_origin(part) is Literal for part in parts)
    choices = (
        _SWITCH if hint is bool else tuple(str(word) for part in parts for word in get_args(part)) if alone else ()
    )
    shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
    return Option(name, choices, shown, text)
