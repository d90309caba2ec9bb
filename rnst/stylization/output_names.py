"""Names of pictures from their settings: `outputs/{content}-{style}-{style_weight}.png`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnst.errors import InvalidValueError, UnknownNameError

_PICTURES = ("content", "style")
_PLACE = re.compile(r"\{(\w+)\}")
_FORMATTED = re.compile(r"\{\w+[:!.\[][^{}]*\}")  # as Python writes it


def named_by(template: Path, settings: Mapping[str, Any]) -> Path:
    """Fill in settings by name; a path without braces stays as it is.

    Args:
        template: path with names of settings in braces. Pictures appear without folder and ending.
        settings: name -> value.

    Raises:
        UnknownNameError: a name in braces is no setting.
        InvalidValueError: there is more than a name in braces.
    """

    def value_of(place: re.Match[str]) -> str:
        name = place[1]
        if name not in settings:
            raise UnknownNameError("setting in the output's name", name, settings)
        values = settings[name] if isinstance(settings[name], list | tuple) else [settings[name]]
        return "+".join(_plain(Path(str(value)).stem if name in _PICTURES else value) for value in values)

    if _FORMATTED.search(str(template)):
        raise InvalidValueError("--output", str(template), "names of settings alone in braces, as {seed}")
    return Path(_PLACE.sub(value_of, str(template)))


def _plain(value: object) -> str:
    """A value as part of a file name: letters, digits and a few marks."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return "".join(letter if letter.isalnum() or letter in "._-+=" else "-" for letter in text)
