"""What a page asks for, as the words of a command line: the real parser checks them."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from rnst.errors import RnstError
from rnst.losses.conventions import CONVENTIONS
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.supersampling import USUAL, unless_usual

DRAFT_SIZE = 256
_DRAFT = ("--config", "draft")
_LARGER = {"steps": 12, "scales": 1}
_OF_THE_SIZE = ("init", "size", "side", "supersample", "steps", "scales", "shifts", "save_every")  # a draft has others
OF_THE_PAGE = (
    "output",
    "resume",
    "config",
    "view",
    "view_port",
    "no_browser",
    "compare",
    "grid",
    "tracking",
    "sequence",
)
"""Options that the page sets by itself, or that make no single picture."""
_QUESTIONS = ("help", "help_all", "print_config", "h")
_OPTIONS = {entry.name for entry in fields(StylizationSettings)}


class OfThePageError(RnstError):
    """An option that the page sets by itself."""

    def __init__(self, word: str) -> None:
        super().__init__(f"{word} is set by the page; omit it, or use stylize.py")


@dataclass(frozen=True)
class Request:
    """What is chosen on the page.

    Attributes:
        photo: path or name of a sample.
        paintings: the same; one or more.
        shares: of the paintings, 0 or more; where masks part the picture, they have no use.
        masks: of the paintings, see `rnst.app.brush`.
        strength: how often the usual weight of the style is doubled; negative numbers halve it.
        stroke: size of the strokes, 1 is the painting's own.
        detail: see `supersample`; the usual one is less for large pictures.
        size: long side in pixels.
        options: further options by name, "" where none is given.
        words: further options as a command line has them.
    """

    photo: str
    paintings: tuple[str, ...]
    shares: tuple[float, ...] = ()
    masks: tuple[Path, ...] = ()
    strength: float = 0.0
    stroke: float = 1.0
    detail: float = USUAL
    size: int = 512
    options: Mapping[str, str] | None = None
    words: str = ""

    def full(self) -> list[str]:
        """Words of the picture."""
        factor = unless_usual(self.detail)
        detail = [] if factor is None else ["--supersample", _number(factor)]
        return [*self._look(), "--size", str(self.size), *detail, *self.further()]

    def draft(self) -> list[str]:
        """Words of a picture that takes seconds."""
        return [*_DRAFT, *self._look(), "--size", str(min(self.size, DRAFT_SIZE)), *self.further()]

    def from_picture(self, start: Path) -> list[str]:
        """Words of the picture that begins with another one."""
        return [*self.full(), "--init", str(start)]

    def further(self) -> list[str]:
        """Words of the further options.

        Raises:
            OfThePageError: one of them belongs to the page.
        """
        found: list[str] = []
        for name, value in (self.options or {}).items():
            if value.strip():
                found += [f"--{name}", *_split(value)]
        found += _split(self.words)
        for word in found:
            if word.startswith("-") and _is_of_the_page(word.lstrip("-").partition("=")[0].replace("-", "_")):
                raise OfThePageError(word)
        return found

    def _look(self) -> list[str]:
        found = ["--content", self.photo, "--style", *self.paintings]
        if self.strength:
            found += ["--style_weight", _number(self._usual_weight() * 2.0**self.strength)]
        if self.stroke != 1.0:
            found += ["--style_scale", _number(self.stroke)]
        if len(self.paintings) > 1 and len(set(self.shares)) > 1 and not self.masks:
            found += ["--style_weights", *map(_number, self.shares)]
        if self.masks:
            found += ["--content_mask", *map(str, self.masks)]
        return found

    def _usual_weight(self) -> float:
        """Of the style, in the convention that the further options choose."""
        words = [part for word in self.further() for part in word.split("=", 1)]
        usual = StylizationSettings.convention
        chosen = [usual, *(value for name, value in pairwise(words) if name == "--convention")]
        return CONVENTIONS.get(chosen[-1], CONVENTIONS[usual]).style_weight  # the parser refuses one that is unknown


def _is_of_the_page(name: str) -> bool:
    """Whether an option, or what the parser takes as its abbreviation, belongs to the page."""
    own = (*OF_THE_PAGE, *_QUESTIONS)
    abbreviated = bool(name) and name not in _OPTIONS and any(option.startswith(name) for option in own)
    return name in own or abbreviated


def larger(size: int, chosen: int) -> int:
    """Long side of a picture that goes on from a smaller one: the chosen one, or twice as large."""
    return chosen if chosen > size else 2 * size


def larger_options(options: Mapping[str, Any], start: Path, size: int, detail: float) -> dict[str, Any]:
    """Options of a larger picture that goes on from a smaller one of the same look.

    Its start is good, so that few steps at one scale are enough.

    Args:
        options: of the smaller picture, those that are given.
        start: its file.
        size: long side in pixels.
        detail: see `supersample`.
    """
    kept = {name: value for name, value in options.items() if name not in _OF_THE_SIZE}
    return {**kept, "init": str(start), "size": size, "supersample": unless_usual(detail), **_LARGER}


def _number(value: float) -> str:
    return f"{value:g}"


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise RnstError(f"the further options cannot be read: {error}") from error
