"""One static page that compares finished results; it opens from disk and asks no network for anything."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from rnst.errors import MissingPathError
from rnst.files import written_aside
from rnst.reporting.gallery.pictures import Pictures
from rnst.reporting.gallery.summary import summarize
from rnst.results import Result

DEFAULT_TITLE = "What each network paints"

_HERE = Path(__file__).parent
_STYLES = ("style.css", "results.css")
_SCRIPTS = ("state.js", "choose.js", "slider.js", "magnifier.js", "list.js", "main.js")
_PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


def read_results(folder: Path) -> list[Result]:
    """All results in a folder and the folders below it, sorted by path.

    A JSON file counts where a picture of the same name lies beside it. Hidden files are files that are being written.

    Raises:
        MissingPathError: no such folder, or no result in it.
        UnreadableFileError: a JSON file beside a picture is not a result.
    """
    if not folder.is_dir():
        raise MissingPathError(folder, "folder of results", "Give the folder that stylize.py or rnst sweep wrote to.")
    files = [path for path in folder.rglob("*") if not path.name.startswith(".")]
    pictures = {path.with_suffix("") for path in files if path.suffix.lower() in _PICTURE_ENDINGS}
    sidecars = sorted(path for path in files if path.suffix == ".json" and path.with_suffix("") in pictures)
    results = [Result.read(sidecar) for sidecar in sidecars]
    results = [result for result in results if result.image.is_file()]
    if not results:
        raise MissingPathError(
            folder, "result", "A result is a picture with a .json file beside it; stylize.py and rnst sweep write both."
        )
    return results


def write_gallery(
    results: Sequence[Result],
    output: Path,
    *,
    embed: bool = False,
    title: str = DEFAULT_TITLE,
    thumbnails: Mapping[Path, Path] | None = None,
) -> Path:
    """Write the page.

    Settings may hold `content_path` and `style_paths`, relative to the result or absolute; the page shows those
    pictures where they exist.

    Args:
        results: what to show. A result whose scores hold a "picked" other than 0 stands for its content, style and
            encoder; without one, the lowest "style_distance" does, or else the last result.
        output: the HTML file.
        embed: carry the pictures in the page, so that it can be moved alone; otherwise it refers to where they are.
        title: heading of the page.
        thumbnails: picture -> a small version of it, used in the list. Without them the pictures are scaled down.

    Returns:
        The path of the page.

    Raises:
        MissingPathError: no results, or a picture is gone.
        UnreadableFileError: a picture to be embedded is none that browsers show.
    """
    if not results:
        raise MissingPathError(output, "result", "A gallery needs at least one.")
    pictures = Pictures(output.parent, embed=embed, thumbnails=thumbnails or {})
    summary = summarize(results, pictures)
    style, script = _joined(_STYLES), _joined(_SCRIPTS)
    parts = {
        "title": html.escape(title),
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "data": _json(summary),
        "pictures": "\n".join(
            f'<script type="text/plain" id="{name}">{content}</script>' for name, content in pictures.embedded.items()
        ),
    }
    template = (_HERE / "template.html").read_text(encoding="utf-8")
    with written_aside(output) as aside:
        # One pass, so that nothing in a part is taken for a place of its own.
        page = re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)
        aside.write_text(page, encoding="utf-8", errors="replace")
    return output


def _joined(names: Sequence[str]) -> str:
    return "\n" + "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)


def _policy(style: str, script: str) -> str:
    """Nothing but this script, this style and pictures: a page that was tampered with stays silent, too."""
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src 'self' file: data:; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _json(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
