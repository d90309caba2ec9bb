"""The mark of the HTML pages that this program writes, by which the next run knows that it may replace them."""

from pathlib import Path

MARK = '<meta name="generator" content="rnst">'
_MARKS = (MARK.encode(), b'id="lede"')  # the second of earlier pages


def is_page(path: Path) -> bool:
    """Whether a file is a page that this program wrote."""
    content = path.read_bytes()
    return any(mark in content for mark in _MARKS)
