"""The data of a gallery page about its results, ready for JSON."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnst.errors import UnknownNameError
from rnst.recorded_paths import names_only
from rnst.reporting.gallery.distinct import with_distinct_names
from rnst.reporting.gallery.measures import measure, ordered
from rnst.reporting.gallery.names import Names
from rnst.reporting.gallery.pictures import Pictures
from rnst.results import Result, snapshots_of

PICKED = "picked"
CONTENT = "@content"
"""The photo, as a side of the page."""
_RANKING_SCORE = "style_distance"
_ROBUST = re.compile(r"(?<!non)(?<!non[-_ ])robust|l(?:2|inf)_eps(?!0(?![.\d]))")
_OF_A_FILE = re.compile(r"paths?$|^output|^folder$|_name$")  # differs for each result, without information
_MOST_VARIED = 5
_DIGITS = 6  # gaps that differ less are equal

NO_NAMES = Names()

Cell = tuple[str, str, str]


def summarize(
    results: Sequence[Result],
    pictures: Pictures,
    names: Names = NO_NAMES,
    start: tuple[str, str] | None = None,
    varied: Sequence[str] | None = None,
) -> dict[str, Any]:
    """All data of the page: results, choices, and the initial selection.

    Args:
        results: at least one.
        pictures: of the page.
        names: titles for readers.
        start: content and style that the page opens with; None takes those with the largest gap between the networks.
        varied: settings that a search varied; None finds them among the results.

    Raises:
        UnknownNameError: there is no result of `start`.
    """
    results = with_distinct_names(results)
    shown = shown_results(results)
    encoders = sorted({result.encoder for result in results}, key=_natural)
    contents = sorted({result.content for result in results}, key=_natural)
    styles = sorted({style_name(result) for result in results}, key=_natural)
    pair = plain_pair(encoders)
    return {
        "results": [_entry(result, pictures, is_shown=index in shown) for index, result in enumerate(results)],
        "contents": [{"name": name, "pictures": _content_pictures(name, results, pictures)} for name in contents],
        "styles": [{"name": name, "pictures": _style_pictures(name, results, pictures)} for name in styles],
        "encoders": encoders,
        "pair": pair,
        "vggPair": vgg_pair(encoders),
        "start": {
            **_start(results, shown, pair, start),
            "left": pair[0] if len(encoders) > 1 else CONTENT,
            "right": pair[1],
        },
        "titles": asdict(names),
        "varied": list(varied_settings(results) if varied is None else varied),
        "measures": [measure(name) for name in ordered(_measures(results))],
    }


def style_name(result: Result) -> str:
    """One name for the styles of a result."""
    return " + ".join(result.styles)


def shown_results(results: Sequence[Result]) -> set[int]:
    """Indices of the results that represent their content, style and encoder: picked, else best, else last."""
    cells: dict[Cell, list[int]] = {}
    for index, result in enumerate(results):
        cells.setdefault((result.content, style_name(result), result.encoder), []).append(index)
    return {_best(results, members) for members in cells.values()}


def varied_settings(results: Sequence[Result]) -> list[str]:
    """Names of the settings that differ within one content, style and encoder, that is the axes of a search."""
    values: dict[tuple[Cell, str], set[str]] = {}
    for result in results:
        cell = (result.content, style_name(result), result.encoder)
        for name, value in result.settings.items():
            if not _OF_A_FILE.search(name):
                values.setdefault((cell, name), set()).add(json.dumps(_plain(value), sort_keys=True))
    return list(dict.fromkeys(name for (_, name), different in values.items() if len(different) > 1))[:_MOST_VARIED]


def plain_pair(encoders: Sequence[str]) -> list[str]:
    """The article's first question: a standard and a robust network; any two encoders if there is no such pair."""
    vgg_last = sorted(encoders, key=_is_vgg)
    robust = next((name for name in vgg_last if is_robust(name)), vgg_last[-1])
    others = [name for name in vgg_last if name != robust] or [robust]
    return [next((name for name in others if not is_robust(name)), others[0]), robust]


def vgg_pair(encoders: Sequence[str]) -> list[str] | None:
    """The article's second question, VGG against a robust network of another kind, or None."""
    vgg = next((name for name in sorted(encoders, key=is_robust) if _is_vgg(name)), None)
    robust = next((name for name in encoders if is_robust(name) and not _is_vgg(name)), None)
    return [vgg, robust] if vgg is not None and robust is not None else None


def is_robust(encoder: str) -> bool:
    """Whether the name of an encoder indicates adversarially robust weights."""
    return _ROBUST.search(encoder.lower()) is not None


def _is_vgg(encoder: str) -> bool:
    return "vgg" in encoder.lower()


def _best(results: Sequence[Result], members: Sequence[int]) -> int:
    picked = [index for index in members if results[index].scores.get(PICKED)]
    if picked:
        return picked[0]
    ranked = [(results[index].scores.get(_RANKING_SCORE, math.nan), index) for index in members]
    return min(((score, index) for score, index in ranked if math.isfinite(score)), default=(0.0, members[-1]))[1]


def _start(
    results: Sequence[Result], shown: set[int], encoders: Sequence[str], wanted: tuple[str, str] | None
) -> dict[str, str]:
    """The content and style whose results by both encoders differ most; otherwise the first pair with any result."""
    cells = {(results[index].content, style_name(results[index]), results[index].encoder): index for index in shown}
    pairs = sorted({(content, style) for content, style, _ in cells}, key=lambda pair: tuple(map(_natural, pair)))
    if wanted is not None and wanted not in pairs:
        raise UnknownNameError("content and style", " / ".join(wanted), [" / ".join(pair) for pair in pairs])

    def gap(pair: tuple[str, str]) -> tuple[int, float]:
        found = [results[cells[*pair, encoder]] for encoder in dict.fromkeys(encoders) if (*pair, encoder) in cells]
        scores = [result.scores[_RANKING_SCORE] for result in found if _RANKING_SCORE in result.scores]
        return len(found), round(max(scores) - min(scores), _DIGITS) if len(scores) == len(encoders) else 0.0

    content, style = wanted or max(pairs, key=gap)
    return {"content": content, "style": style}


def _measures(results: Sequence[Result]) -> list[str]:
    """Names of all scores, in the order in which they first appear."""
    return list(dict.fromkeys(name for result in results for name in result.scores if name != PICKED))


def _entry(result: Result, pictures: Pictures, *, is_shown: bool) -> dict[str, Any]:
    return {
        "file": result.image.name,
        "picture": pictures.reference(result.image),
        "thumbnail": pictures.thumbnail(result.image),
        "content": result.content,
        "style": style_name(result),
        "encoder": result.encoder,
        "picked": bool(result.scores.get(PICKED)),
        "shown": is_shown,
        "seconds": _plain(result.seconds),
        "memory": _plain(result.peak_memory_bytes),
        "size": _plain(result.size),
        "scores": {name: _plain(value) for name, value in result.scores.items() if name != PICKED},
        "losses": _plain(result.losses),
        "curves": _plain(result.curves),
        "steps": [{"step": step, "picture": pictures.reference(path)} for step, path in snapshots_of(result.image)],
        "settings": _plain(names_only(result.settings)),
        "sha256": result.weights_sha256,
    }


def _content_pictures(name: str, results: Sequence[Result], pictures: Pictures) -> list[str]:
    for result in results:
        path = result.settings.get("content_path")
        if result.content == name and isinstance(path, str | Path) and path:
            found = pictures.thumbnail_if_shown(result.image.parent / path)
            if found is not None:
                return [found]
    return []


def _style_pictures(name: str, results: Sequence[Result], pictures: Pictures) -> list[str]:
    for result in results:
        paths = result.settings.get("style_paths")
        if style_name(result) == name and isinstance(paths, list | tuple):
            found = [pictures.thumbnail_if_shown(result.image.parent / str(path)) for path in paths if path]
            if any(found):
                return [picture for picture in found if picture is not None]
    return []


def _plain(value: Any) -> Any:
    """A JSON value: NaN and infinite numbers become null, unknown types become text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that orders 9 before 10 and ignores case."""
    return [(int(part), "") if part.isdecimal() else (0, part.casefold()) for part in re.split(r"(\d+)", name)]
