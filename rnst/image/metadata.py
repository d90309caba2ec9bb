"""Settings stored as JSON inside a picture file: in the text of a PNG, in the description tag of other formats."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import PngImagePlugin

from rnst.errors import UnreadableFileError
from rnst.image.opening import DAMAGED, open_picture, why_unreadable

PNG_KEY = "rnst"
"""Keyword of the settings among the texts of a PNG."""
_ALWAYS = {"content", "style", "encoder", "steps"}  # settings that every finished picture of every version carries
_DESCRIPTION = 0x010E  # the EXIF and TIFF tag ImageDescription, which picture viewers show


def as_text(settings: Mapping[str, Any]) -> str:
    """The settings as ASCII JSON; the tag may hold only ASCII."""
    return json.dumps(dict(settings), default=str)


def png_text(settings: str) -> PngImagePlugin.PngInfo:
    """The settings as text of a PNG."""
    text = PngImagePlugin.PngInfo()
    text.add_itxt(PNG_KEY, settings)
    return text


def read_settings(path: Path) -> Mapping[str, Any]:
    """The settings that a picture of ours carries; empty where it carries none.

    Raises:
        UnreadableFileError: not a picture.
    """
    own, description = _texts(path)
    return _parsed(own or description)


def carries_settings(path: Path) -> bool:
    """Whether a picture carries settings of ours: under our keyword, or a description that has all of the usual ones.

    Other programs store JSON in the description as well.

    Raises:
        UnreadableFileError: not a picture.
    """
    own, description = _texts(path)
    return bool(_parsed(own)) or _parsed(description).keys() >= _ALWAYS


def _texts(path: Path) -> tuple[Any, Any]:
    """What lies under our keyword of a PNG, or else in the description tag."""
    try:
        with warnings.catch_warnings(action="ignore"), open_picture(path) as picture:
            own = picture.info.get(PNG_KEY)
            return own, "" if own else picture.getexif().get(_DESCRIPTION)
    except DAMAGED as error:
        raise UnreadableFileError(path, "a picture", why_unreadable(path, error)) from error


def _parsed(text: Any) -> Mapping[str, Any]:
    try:
        settings = json.loads(text)
    except (ValueError, TypeError, RecursionError):  # a text of somebody else, or a tag of another type
        return {}
    return settings if isinstance(settings, Mapping) else {}
