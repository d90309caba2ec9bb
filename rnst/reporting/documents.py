"""A document of headings, paragraphs, tables and pictures, written as Markdown and as HTML. Text is escaped in both."""

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnst.files import written_aside
from rnst.reporting.gallery.pictures import picture_type
from rnst.reporting.web_page import write_web_page

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.55 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1.25rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #8888; text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; }
img { max-width: 100%; height: auto; }
"""


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells as text.

    Attributes:
        columns: heads.
        rows: as many cells each.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A picture file with a caption, which is also its alternative text."""

    caption: str
    path: Path


Block = Heading | Paragraph | Table | Figure


def write_markdown(blocks: Sequence[Block], path: Path) -> None:
    """Write a document whose pictures are linked relative to it, complete or not at all."""
    with written_aside(path) as aside:
        aside.write_text("\n\n".join(_markdown(block, path.parent) for block in blocks) + "\n", encoding="utf-8")


def write_html(blocks: Sequence[Block], path: Path) -> None:
    """Write a document with embedded pictures that loads nothing, complete or not at all."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), path.stem)
    write_web_page(path, title, "\n".join(_html(block) for block in blocks), _STYLE)


def _markdown(block: Block, folder: Path) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_plain(block.text)}"
    if isinstance(block, Paragraph):
        return _plain(block.text)
    if isinstance(block, Figure):
        place = block.path.relative_to(folder).as_posix().replace(" ", "%20")
        return f"![{_plain(block.caption)}]({place})\n\n*{_plain(block.caption)}*"
    lines = [block.columns, ["---"] * len(block.columns)]
    cells = [
        [_plain(cell) for cell in block.columns],
        lines[1],
        *([_plain(cell) for cell in row] for row in block.rows),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{html.escape(block.text)}</p>"
    if isinstance(block, Figure):
        caption, content = html.escape(block.caption), base64.b64encode(block.path.read_bytes()).decode("ascii")
        source = f"data:{picture_type(block.path)};base64,{content}"
        return f'<figure><img src="{source}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    heads = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in block.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
