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
    try:
        with warnings.catch_warnings(action="ignore"), open_picture(path) as picture:
            text = picture.info.get(PNG_KEY) or picture.getexif().get(_DESCRIPTION) or ""
    except DAMAGED as error:
        raise UnreadableFileError(path, "a picture", why_unreadable(path, error)) from error
    try:
        settings = json.loads(text)
    except (ValueError, TypeError, RecursionError):  # a text of somebody else, or a tag of another type
        return {}
    return settings if isinstance(settings, Mapping) else {}
