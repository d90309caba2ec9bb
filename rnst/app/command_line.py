"""The shortest command line, and YAML, that make a picture again from its record."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from rnst.errors import RnstError
from rnst.results import Result
from rnst.stylization.inputs import content_size
from rnst.stylization.job import resolve
from rnst.stylization.record import NOT_OF_THE_PICTURE
from rnst.stylization.settings import StylizationSettings

_PROGRAM = ("python", "stylize.py")
_ALWAYS = ("content", "style")  # named though they are the default: they are what a reader wants to see
_KEPT = ("quality", "scores", "lpips")  # of those that do not change the picture
_LEFT_OUT = tuple(name for name in NOT_OF_THE_PICTURE if name not in _KEPT)


def given(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The fewest options from which every recorded one follows.

    Args:
        recorded: resolved options of a picture; others are ignored.

    Raises:
        RnstError: they cannot be resolved here, for instance because the photo is no longer there.
    """
    names = [entry.name for entry in fields(StylizationSettings)]
    options = {name: recorded[name] for name in names if name in recorded and name not in _LEFT_OUT}
    wanted = _resolved(options)
    for name in [name for name in options if name not in _ALWAYS]:
        fewer = {other: value for other, value in options.items() if other != name}
        try:
            if _resolved(fewer) == wanted:
                options = fewer
        except RnstError:  # without it, the others do not fit together
            continue
    return options


def command_line(result: Result) -> str:
    """One command; by its picture where the record alone does not suffice."""
    try:
        options = given(result.settings)
    except (RnstError, OSError, TypeError, ValueError):
        return shlex.join([*_PROGRAM, "--config", str(result.image)])
    return shlex.join([*_PROGRAM, *words(options), "--output", str(result.image)])


def as_yaml(result: Result) -> str:
    """A configuration for --config, with its command as a comment."""
    try:
        options = given(result.settings)
    except (RnstError, OSError, TypeError, ValueError):
        options = {entry.name: result.settings.get(entry.name) for entry in fields(StylizationSettings)}
    return f"# {command_line(result)}\n{yaml.safe_dump(options, sort_keys=False, allow_unicode=True)}"


def words(options: Mapping[str, Any]) -> list[str]:
    """Options as words of a command line."""
    found: list[str] = []
    for name, value in options.items():
        values = value if isinstance(value, list | tuple) else [value]
        found += [f"--{name}", *map(_word, values)]
    return found


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def _resolved(options: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of the picture, as JSON has it."""
    settings = StylizationSettings(**{**options, "output": Path("picture.png")})
    job = resolve(settings)
    values: dict[str, Any] = json.loads(json.dumps(job.at(content_size(job.pictures)).as_dict()))
    return {name: value for name, value in values.items() if name not in _LEFT_OUT}
