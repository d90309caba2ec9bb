"""Pictures in rows and columns with labels, drawn with the font that comes with Pillow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from rnst.image.files import from_pil, read_image, to_pil

_PAPER, _INK, _EMPTY = (255, 255, 255), (20, 20, 20), (228, 228, 228)
_GAP = 8  # pixels
_SMALLEST_CELL = 120, 48  # width and height; thin pictures have room for their labels
_LARGEST_FONT, _SMALLEST_FONT = 28, 14
_WIDEST_LABEL = 0.9  # of a row, in widths of a cell
_MOST_LINES = 3
_LONGEST = 80  # characters of a line
_LEADING = 1.25  # height of a line in heights of its letters
_NOTE = "no picture"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class _Layout:
    """Sizes in pixels: width and height of a cell, width of the row labels, height of the head."""

    cell: tuple[int, int]
    left: int
    head: int
    font: Font


def labeled_sheet(pictures: Sequence[Path | None], rows: Sequence[str], columns: Sequence[str], title: str) -> Tensor:
    """A sheet (1, 3, H, W) in [0, 1].

    Args:
        pictures: files, row by row, of about one size; None leaves a cell empty.
        rows: label of each row; empty ones take no room.
        columns: label of each column.
        title: line above all.
    """
    images = [None if path is None else to_pil(read_image(path)) for path in pictures]
    layout = _layout(images, rows, columns)
    line = _height(layout.font)
    width = layout.left + len(columns) * (layout.cell[0] + _GAP) + _GAP
    size = width, layout.head + len(rows) * (layout.cell[1] + _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, _GAP), _cut(draw, title, layout.font, width - 2 * _GAP), _INK, layout.font)
    for column, label in enumerate(columns):
        x = layout.left + _GAP + column * (layout.cell[0] + _GAP)
        lines = _lines(draw, label, layout.font, layout.cell[0])
        for number, text in enumerate(lines):
            draw.text((x, layout.head - (len(lines) - number) * line - _GAP // 2), text, _INK, layout.font)
    for row, label in enumerate(rows):
        y = layout.head + row * (layout.cell[1] + _GAP)
        lines = _lines(draw, label, layout.font, layout.left - _GAP) if label else []
        for number, text in enumerate(lines[: max(1, layout.cell[1] // line)]):
            draw.text((_GAP, y + number * line), text, _INK, layout.font)
        for column in range(len(columns)):
            x = layout.left + _GAP + column * (layout.cell[0] + _GAP)
            _place(sheet, images[row * len(columns) + column], (x, y), layout)
    return from_pil(sheet)


def _layout(images: Sequence[Image.Image | None], rows: Sequence[str], columns: Sequence[str]) -> _Layout:
    sizes = [image.size for image in images if image is not None] or [_SMALLEST_CELL]
    cell = max(_SMALLEST_CELL[0], *(size[0] for size in sizes)), max(_SMALLEST_CELL[1], *(size[1] for size in sizes))
    font = ImageFont.load_default(min(_LARGEST_FONT, max(_SMALLEST_FONT, cell[0] // 14)))
    draw = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    widest = max((draw.textlength(label, font) for label in rows), default=0.0)
    left = round(min(widest, max(_WIDEST_LABEL * cell[0], _SMALLEST_CELL[0])))
    lines = 1 + max(len(_lines(draw, label, font, cell[0])) for label in columns)
    return _Layout(cell, left + _GAP if any(rows) else 0, lines * _height(font) + 3 * _GAP, font)


def _place(sheet: Image.Image, image: Image.Image | None, corner: tuple[int, int], layout: _Layout) -> None:
    """A picture in the middle of its cell; an empty cell is gray."""
    x, y = corner
    if image is None:
        draw = ImageDraw.Draw(sheet)
        draw.rectangle((x, y, x + layout.cell[0] - 1, y + layout.cell[1] - 1), _EMPTY)
        text = _cut(draw, _NOTE, layout.font, layout.cell[0])
        draw.text((x + _GAP, y + (layout.cell[1] - _height(layout.font)) // 2), text, _INK, layout.font)
        return
    sheet.paste(image, (x + (layout.cell[0] - image.width) // 2, y + (layout.cell[1] - image.height) // 2))


def _height(font: Font) -> int:
    _, top, _, bottom = font.getbbox("Ag")
    return round(_LEADING * (bottom - top)) + 2


def _lines(draw: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> list[str]:
    """A label in lines of at most `width` pixels, broken anywhere; the last line is cut."""
    lines, text = list[str](), text[: _MOST_LINES * _LONGEST]
    while text and len(lines) < _MOST_LINES - 1 and draw.textlength(text, font) > width:
        fitting = next((end for end in range(len(text), 1, -1) if draw.textlength(text[:end], font) <= width), 1)
        broken = max(text.rfind(mark, 1, fitting) + 1 for mark in " =+_-,")
        end = broken if broken > 1 else fitting
        lines.append(text[:end].rstrip())
        text = text[end:]
    return [*lines, _cut(draw, text, font, width)]


def _cut(draw: ImageDraw.ImageDraw, text: str, font: Font, width: int) -> str:
    if len(text) <= _LONGEST and draw.textlength(text, font) <= width:
        return text
    text = text[:_LONGEST]
    cuts = (f"{text[:end]}..." for end in range(len(text), 0, -1))
    return next((cut for cut in cuts if draw.textlength(cut, font) <= width), "")
