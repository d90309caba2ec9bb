"""Settings of a finished picture, from its file or the JSON beside it, so that it can be made again."""

import itertools
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rnst.errors import RnstError, UnreadableFileError
from rnst.files import exists
from rnst.image.samples import find_picture
from rnst.recorded_paths import located

_OF_THE_FILE = ("output", "resume")  # a repeated picture never replaces the one that it repeats
_PLACES = {"content": "content_path", "style": "style_paths"}  # where the pictures lie, seen from the finished one


def repeated(path: Path, valid: Collection[str]) -> dict[str, Any]:
    """Settings by name.

    Args:
        path: a picture that stylize.py wrote, or its sidecar.
        valid: names of settings; what else a picture carries is left out.

    Raises:
        UnreadableFileError: it carries no settings.
    """
    if path.suffix.lower() == ".json":
        content = _sidecar(path)
    else:
        from rnst.image.metadata import read_settings

        content = read_settings(path)
    settings = content.get("settings", content)
    if isinstance(settings, Mapping):
        settings = located(settings, path.parent, _picture_of(path, content))
    if not isinstance(settings, Mapping) or not set(settings) & set(valid):
        raise UnreadableFileError(path, "settings", "it carries none; give a picture that stylize.py wrote, or a YAML")
    kept = {name: value for name, value in settings.items() if name in valid and name not in _OF_THE_FILE}
    for name, place in _PLACES.items():
        if name in kept and settings.get(place):
            kept[name] = _where(kept[name], settings[place], path.parent)
    return kept


def _picture_of(path: Path, content: Mapping[str, Any]) -> Path:
    """The finished picture of a sidecar, or the one that was given."""
    image = content.get("image")
    return path.parent / Path(image).name if isinstance(image, str) and path.suffix.lower() == ".json" else path


def _sidecar(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableFileError(path, "settings", "it is no text in UTF-8") from error
    except RecursionError as error:
        raise UnreadableFileError(path, "settings", "it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise UnreadableFileError(path, "settings", f"it is no JSON from line {error.lineno} on") from error
    return content if isinstance(content, Mapping) else {}


def _where(names: Any, places: Any, folder: Path) -> Any:
    """Pictures by their names as given, or where they lie seen from the finished picture, if that is elsewhere now."""
    if isinstance(names, list):
        known = places if isinstance(places, list) else []
        return [_where(name, place, folder) for name, place in itertools.zip_longest(names, known[: len(names)])]
    place = places[0] if isinstance(places, list) and places else places
    if not isinstance(names, str) or not isinstance(place, str):
        return names
    try:
        find_picture(names)
    except RnstError:
        return str(folder / place) if exists(folder / place) else names
    return names
