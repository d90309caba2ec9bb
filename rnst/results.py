"""A finished picture with its inputs, settings and scores, stored in a JSON sidecar."""

import glob
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from rnst.files import beside, read_json, write_json
from rnst.recorded_paths import located, seen_from

SNAPSHOT = "snapshot_of_step"
"""Key of the settings by which an intermediate picture is known."""
_TEXT_WITHIN = 2**20  # bytes; a color profile may come first
_SNAPSHOT_NAME = re.compile(r"_(\d{5})$")


def snapshots_of(image: Path) -> list[tuple[int, Path]]:
    """Intermediate pictures that lie beside a finished one, as (step, file); files of others do not count."""
    found = image.parent.glob(f"{glob.escape(image.stem)}_[0-9][0-9][0-9][0-9][0-9].png")
    named = sorted((int(match[1]), path) for path in found if (match := _SNAPSHOT_NAME.search(path.stem)))
    return [(step, path) for step, path in named if _is_marked(path)]


def _is_marked(path: Path) -> bool:
    """Whether the mark is in the texts of a PNG, in front of its pixels: enough to show it, and not to replace it."""
    try:
        with path.open("rb") as file:
            return f'"{SNAPSHOT}"'.encode() in file.read(_TEXT_WITHIN)
    except OSError:
        return False


@dataclass(frozen=True)
class Result:
    """One finished picture.

    Attributes:
        image: file of the picture. The sidecar stores its name only, so that folders of results can be relocated.
        content: name of the content picture, or "" if there is none.
        styles: names of the style pictures.
        encoder: name of the network.
        settings: every setting of the run, resolved.
        seconds: wall time of the optimization.
        peak_memory_bytes: of the process, or of the device.
        losses: name -> last value of each loss term, including "total".
        scores: name -> value of each metric of the finished picture; filled in by comparisons.
        weights_sha256: hash of the weight file, or "" if the weights did not come from a file.
        sources_sha256: option -> hash of each picture that it names: content, style, masks and init; "follows" has that
            of the last frame of a sequence.
        size: width and height in pixels.
        finished: False if the user stopped the run before the last step.
        curves: name -> loss at each step under "step", of the session that finished the picture.
    """

    image: Path
    content: str
    styles: tuple[str, ...]
    encoder: str
    settings: Mapping[str, Any]
    seconds: float
    peak_memory_bytes: int
    losses: Mapping[str, float]
    scores: Mapping[str, float] = field(default_factory=dict)
    weights_sha256: str = ""
    sources_sha256: Mapping[str, list[str]] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    finished: bool = True
    curves: Mapping[str, list[float]] = field(default_factory=dict)

    @property
    def sidecar(self) -> Path:
        """The JSON file beside the picture, see `sidecar_of`."""
        return sidecar_of(self.image)

    def write(self) -> Path:
        """Write the sidecar, complete or not at all; its paths are relative to its folder."""
        settings = seen_from(self.settings, self.image.parent)
        content = {**asdict(self), "image": self.image.name, "settings": settings}
        write_json(self.sidecar, content)
        return self.sidecar

    @classmethod
    def read(cls, sidecar: Path) -> Self:
        """Read a sidecar; the picture is expected beside it.

        Raises:
            MissingPathError: the file does not exist.
            UnreadableFileError: the file is not a sidecar of ours, or one of its values has another type.
        """
        read = read_json(sidecar, "a result", "Give the .json file beside a picture.", cls._from_json)
        image = sidecar.parent / read.image.name
        return replace(read, image=image, settings=located(read.settings, sidecar.parent, image))

    @classmethod
    def _from_json(cls, content: Any) -> Self:
        if not isinstance(content, Mapping):
            raise TypeError("it is no JSON object")
        known: dict[str, Any] = {}
        for entry in fields(cls):
            if entry.name in content:
                is_right, wanted = _RULES[entry.name]
                if not is_right(content[entry.name]):
                    raise ValueError(f"its {entry.name} must be {wanted}")
                known[entry.name] = content[entry.name]
            elif entry.default is MISSING and entry.default_factory is MISSING:
                raise ValueError(f"it has no {entry.name}")
        for name in ("losses", "scores"):  # NaN and infinity are written as null
            known[name] = {key: value for key, value in known.get(name, {}).items() if value is not None}
        known["image"] = Path(known["image"])
        known["seconds"] = known["seconds"] or 0.0
        known["styles"], known["size"] = tuple(known["styles"]), tuple(known.get("size", (0, 0)))
        return cls(**known)


def sidecar_of(image: Path) -> Path:
    """The JSON file of a picture: `o.json`, or `o.jpg.json` where `o.json` belongs to `o.png` or is no record."""
    return beside(image, ".json", lambda path: describes(path, image))


def describes(path: Path, image: Path) -> bool:
    """Whether a file is the sidecar of a picture."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("image") == image.name and "settings" in content


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def is_number(value: object) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _are_numbers(value: object) -> bool:
    return isinstance(value, Mapping) and all(one is None or is_number(one) for one in value.values())


def _are_curves(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(curve, list | tuple) and all(one is None or is_number(one) for one in curve)
        for curve in value.values()
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


def _are_sides(value: object) -> bool:
    return isinstance(value, list | tuple) and [type(side) for side in value] == [int, int]


def _is_file_name(value: object) -> bool:
    return isinstance(value, str) and Path(value).name not in {"", ".", ".."} and "\0" not in value


# What a sidecar may hold -> whether a value is right, and how it is described.
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "image": (_is_file_name, "the name of a file"),
    "content": (_is_text, "a text"),
    "styles": (_are_texts, "a list of texts"),
    "encoder": (_is_text, "a text"),
    "settings": (lambda value: isinstance(value, Mapping), "an object"),
    "seconds": (lambda value: value is None or is_number(value), "a number"),
    "peak_memory_bytes": (is_number, "a number"),
    "losses": (_are_numbers, "names with finite numbers"),
    "scores": (_are_numbers, "names with finite numbers"),
    "curves": (_are_curves, "names with lists of numbers"),
    "weights_sha256": (_is_text, "a text"),
    "sources_sha256": (
        lambda value: isinstance(value, Mapping) and all(map(_are_texts, value.values())),
        "lists of texts",
    ),
    "size": (_are_sides, "two numbers of pixels"),
    "finished": (lambda value: isinstance(value, bool), "true or false"),
}
