"""Names for readers: titles of networks, photos and paintings, from a small YAML file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rnst.errors import MissingPathError, UnknownNameError, UnreadableFileError
from rnst.yaml_files import read_yaml

_SHIPPED = Path(__file__).parent / "names.yaml"
_SECTIONS = ("networks", "contents", "styles")


@dataclass(frozen=True)
class Names:
    """Titles by name; a name without a title is shown as it is.

    Attributes:
        networks: encoder -> title.
        contents: name of a photo -> title.
        styles: name of a painting -> title.
    """

    networks: Mapping[str, str] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)


def read_names(path: Path | None = None) -> Names:
    """The shipped titles, and those of a YAML file, which outrank them.

    Args:
        path: file with the sections networks, contents and styles, each name: title; None reads the shipped ones alone.

    Raises:
        MissingPathError: the file does not exist.
        UnreadableFileError: it is not YAML of that form.
        UnknownNameError: it has another section.
    """
    shipped, own = _read(_SHIPPED), {} if path is None else _read(path)
    return Names(**{section: {**shipped.get(section, {}), **own.get(section, {})} for section in _SECTIONS})


def _read(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        raise MissingPathError(path, "file of names", "Correct --names.")
    content = read_yaml(path)
    if not all(isinstance(entries, dict) for entries in content.values()):
        raise UnreadableFileError(path, "names", "it is not sections of name: title")
    for section in content:
        if section not in _SECTIONS:
            raise UnknownNameError("section of names", str(section), _SECTIONS)
    return {section: {str(name): str(title) for name, title in entries.items()} for section, entries in content.items()}
