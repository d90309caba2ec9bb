"""One static page that compares finished results; it opens from disk and makes no network request."""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rnst.errors import MissingPathError, UnreadableFileError
from rnst.files import is_folder
from rnst.image.endings import LONGEST_SIDES
from rnst.reporting.gallery.names import Names
from rnst.reporting.gallery.pictures import Pictures
from rnst.reporting.gallery.summary import NO_NAMES, summarize
from rnst.reporting.web_page import write_web_page
from rnst.results import Result

DEFAULT_TITLE = "Stylized pictures by network"

_HERE = Path(__file__).parent
_STYLES = ("style.css", "controls.css", "results.css")
_SCRIPTS = (
    *("state.js", "settings.js", "choose.js", "slider.js", "scores.js", "magnifier.js"),
    *("views.js", "curves.js", "list.js", "main.js"),
)


def read_results(folder: Path, report: Callable[[str], object] | None = None) -> list[Result]:
    """All results in a folder and its subfolders, sorted by path.

    A JSON file counts if a picture of the same name lies beside it. Hidden files, which are still being written, do
    not count.

    Args:
        folder: where results are.
        report: called with a line for each JSON file beside a picture that is not a result, which is left out; None
            makes it an error.

    Raises:
        MissingPathError: the folder does not exist, or contains no result.
        UnreadableFileError: a JSON file beside a picture is not a result, and nothing is reported.
    """
    if not is_folder(folder):
        raise MissingPathError(folder, "folder of results", "Give the folder that stylize.py or rnst sweep wrote to.")
    files = [path for path in folder.rglob("*") if not path.name.startswith(".")]
    pictures = [path for path in files if path.suffix.lower() in LONGEST_SIDES]
    named = {*pictures, *(path.with_suffix("") for path in pictures)}  # o.png.json where o.json is another file
    sidecars = sorted(path for path in files if path.suffix == ".json" and path.with_suffix("") in named)
    found = [_read(sidecar, report) for sidecar in sidecars if sidecar.is_file()]
    results = [result for result in found if result is not None and result.image.is_file()]
    if not results:
        raise MissingPathError(
            folder, "result", "A result is a picture with a .json file beside it; stylize.py and rnst sweep write both."
        )
    return results


def _read(sidecar: Path, report: Callable[[str], object] | None) -> Result | None:
    try:
        return Result.read(sidecar)
    except UnreadableFileError as error:
        if report is None:
            raise
        report(f"left out: {error}; if rnst wrote it, delete it, or make its picture again")
        return None


def write_gallery(  # noqa: PLR0913 - each is a choice about the page
    results: Sequence[Result],
    output: Path,
    *,
    embed: bool | int = False,
    title: str = DEFAULT_TITLE,
    thumbnails: Mapping[Path, Path] | None = None,
    names: Names = NO_NAMES,
    start: tuple[str, str] | None = None,
    varied: Sequence[str] | None = None,
) -> Path:
    """Write the page.

    Settings may contain `content_path` and `style_paths`, relative to the result or absolute; the page shows these
    pictures if they exist.

    Args:
        results: results to show. A result whose score "picked" is not 0 represents its content, style and encoder;
            without one, the result with the lowest "style_distance" does, or else the last result.
        output: the HTML file.
        embed: embed the pictures in the page, so that it works anywhere alone: a number, as JPEG of this quality, 1 to
            100; True, the files as they are. False: the page links to the files.
        title: heading of the page.
        thumbnails: picture -> a small version of it, used in the list. Without them the pictures are scaled down.
        names: titles of networks, photos and paintings.
        start: content and style that the page opens with, see `summarize`.
        varied: settings that a search varied, see `summarize`.

    Returns:
        The path of the page.

    Raises:
        MissingPathError: there are no results, or a picture is missing.
        UnreadableFileError: a picture to link has a format that browsers do not show, or one to embed is damaged.
    """
    if not results:
        raise MissingPathError(output, "result", "A gallery needs at least one.")
    pictures = Pictures(output.parent, embed=embed, thumbnails=thumbnails or {})
    summary = summarize(results, pictures, names, start, varied)
    template = (_HERE / "template.html").read_text(encoding="utf-8")
    parts = _parts(title, summary, pictures)
    # One pass, so that a placeholder inside an inserted part is not replaced.
    body = re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template).rstrip()
    write_web_page(output, title, body, _joined(_STYLES), script=parts["script"], images="'self' file: data:")
    return output


def _parts(title: str, summary: Mapping[str, object], pictures: Pictures) -> dict[str, str]:
    """Name of a placeholder -> what replaces it."""
    return {
        "title": html.escape(title),
        "script": _joined(_SCRIPTS),
        "data": _json(summary),
        "pictures": "\n".join(
            f'<script type="text/plain" id="{name}">{content}</script>' for name, content in pictures.embedded.items()
        ),
    }


def _joined(names: Sequence[str]) -> str:
    return "\n" + "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def _json(value: object) -> str:
    """JSON that cannot close its script element; bytes of a file name that are no text become question marks."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    text = text.encode("utf-8", "replace").decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
