"""Messages about mistakes on a command line: one line, in our own words."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from rnst.ranges import parts_of, range_of

_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
_KEY = re.compile(r'Parser key "([\w.]+)"')
_VALUE = re.compile(r"(?:Given|Got) value: (.*)$", re.DOTALL)
_UNKNOWN_KEY = re.compile(r"Option '([\w.-]+)' is not accepted|Key '?\"?([\w.-]+)'?\"? is not expected")
_AMBIGUOUS = re.compile(r"ambiguous option: ([\w.-]+)(?:=.*)? could match (.*)", re.DOTALL)
_NEEDED = "the following arguments are required: "
_NO_VALUE = re.compile(r"argument ([\w.+/-]+): expected (?:one|at least one) argument")


def nearest(name: str, valid: Iterable[str]) -> str:
    """The name most like a mistyped one, as a question; "" where none is like it."""
    close = get_close_matches(name, list(valid), 1)
    return f"; did you mean {close[0]}?" if close else ""


def explained(message: str, hints: Mapping[str, Any], given: Mapping[str, str], words: Mapping[str, str]) -> str:
    """A message of jsonargparse in our words.

    Args:
        message: its own.
        hints: name of each option without its hyphens -> its type.
        given: name of an option -> its value on the command line.
        words: name of an argument that is no option -> what the help calls it.
    """
    options = [f"--{name}" for name in hints]
    if message.startswith(("unrecognized arguments: ", "ambiguous option: ")):
        return _unrecognized(message, options)
    if unknown := _UNKNOWN_KEY.search(message):
        name = unknown[1] or unknown[2]
        return f"unknown option {name} in a configuration{nearest(name, hints)}"
    if message.startswith(_NEEDED):
        needed = message.removeprefix(_NEEDED).split(", ")
        return f"missing: {', '.join(words.get(name, f'--{name}') for name in needed)}"
    if alone := _NO_VALUE.search(message):
        name = alone[1].partition("/")[0].lstrip("-")
        return f"--{name} needs a value: {wanted(hints.get(name, str))}"
    key = _KEY.search(message)
    if key is None or key[1] not in hints:
        return " ".join(message.split())
    value = given.get(key[1], _value_in(message))
    hint = hints[key[1]]
    choices = [name for part in parts_of(hint) if get_origin(part) is Literal for name in get_args(part)]
    shown = f" is {_shown(value)}, but" if value is not None else ""
    return f"--{key[1]}{shown} must be {wanted(hint)}{nearest(value or '', map(str, choices))}"


def wanted(hint: Any) -> str:
    """What a type takes, in words."""
    parts = [_wanted_part(part) for part in parts_of(hint) if part is not NoneType]
    if NoneType in parts_of(hint):
        parts.append("none")
    return ", or ".join(parts) if len(parts) > 2 or any("," in part for part in parts) else " or ".join(parts)  # noqa: PLR2004


def _wanted_part(part: Any) -> str:
    if get_origin(part) is Literal:
        names = [str(name) for name in get_args(part)]
        return names[0] if len(names) == 1 else f"one of {', '.join(names)}"
    if get_origin(part) is list:
        return f"one or several of: {wanted(get_args(part)[0])}"
    if get_origin(part) is dict:
        return "names with values, as a JSON object"
    base = next((base for base in (bool, int, float) if isinstance(part, type) and issubclass(part, base)), part)
    limits = range_of(part)
    if isinstance(part, type) and base not in _KINDS:
        return f"a class with its options, as {{class_path: ..., init_args: ...}}: {part.__name__}"
    return f"{_KINDS.get(base, 'a text')}{', ' if limits else ''}{limits}"


def _unrecognized(message: str, options: list[str]) -> str:
    if short := _AMBIGUOUS.match(message):
        meant = [name for name in short[2].split(", ") if not name.endswith("+")]
        return f"unknown option {short[1]}; did you mean {' or '.join(meant)}?"
    arguments = message.partition(": ")[2].split()
    name = next((argument.partition("=")[0] for argument in arguments if argument.startswith("-")), None)
    if name is None:
        return f"{arguments[0]!r} is not the value of any option"
    return f"unknown option {name}{nearest(name, options)}"


def _shown(value: str) -> str:
    """A value as it was typed, in quotes where it is a word."""
    with suppress(ValueError):
        listed = json.loads(value)
        return " ".join(map(str, listed)) if isinstance(listed, list) else value
    return repr(value)


def _value_in(message: str) -> str | None:
    found = _VALUE.search(message)
    return " ".join(found[1].split()) if found else None
