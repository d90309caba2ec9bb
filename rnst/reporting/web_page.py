"""HTML pages that load nothing: the head that all of them share, and the mark by which the next run knows them."""

import base64
import hashlib
import html
from pathlib import Path

from rnst.errors import InvalidValueError
from rnst.files import written_aside

_MARK = '<meta name="generator" content="rnst">'
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
{mark}
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def write_web_page(output: Path, title: str, body: str, style: str, *, script: str = "", images: str = "data:") -> None:
    """Write a page, complete or not at all. Its policy allows this style, this script and pictures alone.

    So an altered page makes no requests either.

    Args:
        output: HTML file.
        title: as text.
        body: HTML, with the script in it.
        style: CSS.
        script: text of the script in `body`; "" where there is none.
        images: sources of pictures, in the words of a content security policy.
    """
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src {images}; style-src '{_hash(style)}'"
    if script:
        policy += f"; script-src '{_hash(script)}'"
    head = _HEAD.format(policy=policy, mark=_MARK, title=html.escape(title), style=style)
    with written_aside(output) as aside:
        aside.write_text(f"{head}{body}\n</body>\n</html>\n", encoding="utf-8", errors="replace")


def check_page_name(option: str, path: Path) -> None:
    """Refuse a file name of another format.

    Raises:
        InvalidValueError: names the option.
    """
    if path.suffix.lower() not in {".html", ".htm"}:
        raise InvalidValueError(option, str(path), "a file name that ends in .html")


def is_page(path: Path) -> bool:
    """Whether a file is a page that this program wrote."""
    return _MARK.encode() in path.read_bytes()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
