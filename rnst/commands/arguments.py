"""Normalizes a command line for the parser: one `--name=value` for each option."""

import json
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, get_origin

from rnst.ranges import parts_of

FLAG = "flag"
"""In the place of a type: an option without a value."""
_SWITCHES = {"true": True, "false": False, "yes": True, "no": False}
NO_VALUE = "none"


def as_options(arguments: Sequence[str], hints: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Options as `--name=value`, and the words that belong to no option.

    Hyphens in names are underscores: --style-weight is --style_weight. A list takes all words up to the next option:
    --style A B. An option that is true or false needs no value: --resume.

    Args:
        arguments: of the command line.
        hints: name of each option without its hyphens -> its type, or FLAG.
    """
    options, words, rest = list[str](), list[str](), list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("--") or argument == "--":
            words.append(argument)
            continue
        name, equals, value = argument.removeprefix("--").partition("=")
        name = name if name in hints else name.replace("-", "_")
        hint = hints.get(name)
        if hint is None or hint is FLAG:
            options.append(f"--{name}{equals}{value}")
            if hint is None and not equals and rest and not rest[0].startswith("--"):
                options[-1] += f"={rest.pop(0)}"  # whose name is wrong; the value is not a word of its own
        elif equals:
            options.append(f"--{name}={_as_text(hint, [value])}")
        else:
            options += _with_value(name, hint, rest)
    return options, words


def value_of(hint: Any, value: Any) -> Any:
    """A value from a file: the text none, in any case, is None where the type of the option allows None."""
    if isinstance(value, str) and value.lower() == NO_VALUE and NoneType in parts_of(hint):
        return None
    return value


def is_list(hint: Any) -> bool:
    """Whether an option takes several values."""
    return any(get_origin(part) is list for part in parts_of(hint))


def is_switch(hint: Any) -> bool:
    """Whether an option is true or false."""
    return hint is bool


def _with_value(name: str, hint: Any, rest: list[str]) -> list[str]:
    """The option with what follows it, which is taken from `rest`."""
    if is_switch(hint):
        value = rest.pop(0) if rest and rest[0].lower() in _SWITCHES else "true"
        return [f"--{name}={_as_text(hint, [value])}"]
    following = next((number for number, word in enumerate(rest) if word.startswith("--")), len(rest))
    taken = following if is_list(hint) else min(following, 1)
    if not taken:
        return [f"--{name}"]
    values, rest[:] = rest[:taken], rest[taken:]
    return [f"--{name}={_as_text(hint, values)}"]


def _as_text(hint: Any, values: list[str]) -> str:
    """Values as the parser reads them."""
    alone = values[0] if len(values) == 1 else None
    if alone is not None and is_switch(hint):
        return json.dumps(_SWITCHES[alone.lower()]) if alone.lower() in _SWITCHES else alone
    if alone is not None and NoneType in parts_of(hint) and alone.lower() in {NO_VALUE, "null"}:
        return "null"
    if is_list(hint) and not (alone is not None and alone.startswith("[")):
        return json.dumps(values)
    return alone if alone is not None else " ".join(values)
