"""Settings stored as JSON inside a picture file: in the text of a PNG, in the description tag of other formats."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from rnst.errors import UnreadableFileError
from rnst.image.opening import DAMAGED, open_picture, why_unreadable

_PNG_KEY = "rnst"
_DESCRIPTION = 0x010E  # the EXIF and TIFF tag ImageDescription, which picture viewers show


def as_text(settings: Mapping[str, Any]) -> str:
    """The settings as ASCII JSON; the tag may hold only ASCII."""
    return json.dumps(dict(settings), default=str)


def png_text(settings: Mapping[str, Any]) -> PngImagePlugin.PngInfo:
    """The settings as text of a PNG."""
    text = PngImagePlugin.PngInfo()
    text.add_itxt(_PNG_KEY, as_text(settings))
    return text


def exif(settings: Mapping[str, Any], longest: int | None = None) -> bytes:
    """The settings as EXIF of a JPEG or WebP; empty where they are longer than `longest` bytes."""
    tags = Image.Exif()
    tags[_DESCRIPTION] = as_text(settings)
    content = tags.tobytes()
    return content if longest is None or len(content) <= longest else b""


def read_settings(path: Path) -> Mapping[str, Any]:
    """The settings that a picture of ours carries; empty where it carries none.

    Raises:
        UnreadableFileError: not a picture.
    """
    try:
        with warnings.catch_warnings(action="ignore"), open_picture(path) as picture:
            text = picture.info.get(_PNG_KEY) or picture.getexif().get(_DESCRIPTION) or ""
    except DAMAGED as error:
        raise UnreadableFileError(path, "a picture", why_unreadable(path, error)) from error
    try:
        settings = json.loads(text)
    except (ValueError, TypeError, RecursionError):  # a text of somebody else, or a tag of another type
        return {}
    return settings if isinstance(settings, Mapping) else {}
