"""Paths among the settings of a picture: names alone inside the picture, relative to its own folder in the sidecar.

Neither tells where on a machine a file was. A folder of pictures with all that they were made from can be relocated.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_OF_FILES = ("content", "style", "content_mask", "style_mask", "init", "color_basis", "weights")
_OF_OUTPUTS = ("output", "tracking_folder")
_SEEN_FROM_THE_PICTURE = ("content_path", "style_paths")

_OPTION = re.compile(r"-[^=/]*=|-\w(?=/)")
_IN_A_LIST = re.compile(r"""([\[{(,:"']\s*)(/(?!/)[^\[\]{}(),"']*)""")  # and behind the name of an encoder


def names_only(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the names of files, and without folders."""
    kept = {name: value for name, value in settings.items() if name not in (*_SEEN_FROM_THE_PICTURE, "tracking_folder")}
    return _changed(kept, (*_OF_FILES, "output"), lambda value: Path(value).name)


def seen_from(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings with every path relative to `folder`."""
    here = folder.resolve()

    def relative(value: str) -> str:
        path = Path(value)
        return os.path.relpath(path.parent.resolve() / path.name, here)

    return _changed(settings, (*_OF_FILES, *_OF_OUTPUTS), relative)


def located(settings: Mapping[str, Any], folder: Path, picture: Path) -> dict[str, Any]:
    """The settings with the paths of files that exist, seen from `folder`; others stay as they are.

    Args:
        settings: of a sidecar or a picture in the folder.
        folder: of that file.
        picture: the finished one, which is none of its own inputs.
    """

    def found(value: str) -> str:
        place = folder / value
        is_itself = os.path.normpath(place) == os.path.normpath(picture)
        return os.path.normpath(place) if os.path.exists(place) and not is_itself else value  # noqa: PTH110 - never raises

    changed = _changed(settings, (*_OF_FILES, "tracking_folder"), found)
    output = changed.get("output")
    is_this = isinstance(output, str) and Path(output).name == picture.name
    return {**changed, "output": str(picture)} if is_this else changed


def without_folders(words: Sequence[str]) -> list[str]:
    """A command line in which each absolute path, alone, after `--name=` or `-c`, or in a list, is its last part."""

    def plain(word: str) -> str:
        found = _OPTION.match(word)
        option = found[0] if found else ""
        value = word.removeprefix(option)
        if Path(value).is_absolute():
            return f"{option}{Path(value).name}"
        return option + _IN_A_LIST.sub(lambda part: part[1] + Path(part[2]).name, value)

    return [plain(word) for word in words]


def _changed(settings: Mapping[str, Any], names: tuple[str, ...], change: Callable[[str], str]) -> dict[str, Any]:
    def each(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [each(one) for one in value]
        return change(value) if isinstance(value, str) and _is_path(value) else value

    return {name: each(value) if name in names else value for name, value in settings.items()}


def _is_path(text: str) -> bool:
    """Whether a value is a path, not the name of a sample or a word as noise; an address is none."""
    return "://" not in text and "\0" not in text and (os.sep in text or bool(Path(text).suffix))
