"""A contact sheet as one static page: a click on a picture gives the command of the full one."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnst.reporting.gallery.pictures import Pictures
from rnst.reporting.web_page import write_web_page

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One cell of the page.

    Attributes:
        label: its values as text.
        command: of the full picture.
        picture: file of the draft; None where there is none.
        problem: why there is none.
    """

    label: str
    command: str
    picture: Path | None
    problem: str = ""


def write_contact_page(
    entries: Sequence[Entry], rows: Sequence[str], columns: Sequence[str], title: str, output: Path
) -> None:
    """Write the page, with its pictures inside.

    Args:
        entries: row by row.
        rows: label of each row; empty where there is one row.
        columns: label of each column.
        title: heading.
        output: the HTML file.
    """
    pictures = Pictures(output.parent, embed=True, thumbnails={})
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("sheet.css", "sheet.js"))
    parts = {
        "title": html.escape(title),
        "script": script,
        "table": _table([_cell(entry, pictures) for entry in entries], rows, columns),
    }
    template = (_HERE / "template.html").read_text(encoding="utf-8")
    body = re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template).rstrip()
    write_web_page(output, title, body, style, script=script)


def _table(cells: Sequence[str], rows: Sequence[str], columns: Sequence[str]) -> str:
    head = "".join(f'<th scope="col">{html.escape(label)}</th>' for label in columns)
    lines = [f"<tr>{'<td></td>' if any(rows) else ''}{head}</tr>"]
    for number, label in enumerate(rows):
        own = cells[number * len(columns) : (number + 1) * len(columns)]
        named = f'<th scope="row">{html.escape(label)}</th>' if label else ""
        lines.append(f"<tr>{named}{''.join(own)}</tr>")
    return "\n".join(lines)


def _cell(entry: Entry, pictures: Pictures) -> str:
    label, command = html.escape(entry.label, quote=True), html.escape(entry.command, quote=True)
    if entry.picture is None:
        return f'<td><p class="missing">{html.escape(entry.problem or "not made yet")}</p></td>'
    data = pictures.embedded[pictures.reference(entry.picture).removeprefix("#")]
    return (
        f'<td><button type="button" aria-pressed="false" data-label="{label}" data-command="{command}">'
        f'<img src="{data}" alt="{label}"></button></td>'
    )
