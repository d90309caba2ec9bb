"""Pictures side by side with captions: `python -m tools.picture_sheet OUT.jpg [--columns N] PICTURE=CAPTION ...`.

The pictures of the documentation are made with it. A picture is a file, or the name of a sample.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from rnst.image.samples import find_picture

_GAP, _CAPTION = 8, 30
_LETTERS, _SMALLEST_LETTERS = 18, 10
QUALITY = 90
"""Of JPEG files."""


def sheet(pictures: Sequence[tuple[Path, str]], *, columns: int, height: int) -> Image.Image:
    """Rows of pictures of one height, with a caption under each that has one.

    Args:
        pictures: file and caption of each.
        columns: pictures in a row.
        height: of a picture in pixels.
    """
    cells = [_cell(Image.open(path).convert("RGB"), caption, height) for path, caption in pictures]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    width = max(sum(cell.width + _GAP for cell in row) for row in rows) - _GAP
    whole = Image.new("RGB", (width, sum(max(cell.height for cell in row) + _GAP for row in rows) - _GAP), "white")
    y = 0
    for row in rows:
        x = 0
        for cell in row:
            whole.paste(cell, (x, y))
            x += cell.width + _GAP
        y += max(cell.height for cell in row) + _GAP
    return whole


def _cell(picture: Image.Image, caption: str, height: int) -> Image.Image:
    width = round(picture.width * height / picture.height)
    cell = Image.new("RGB", (width, height + (_CAPTION if caption else 0)), "white")
    cell.paste(picture.resize((width, height), Image.Resampling.LANCZOS))
    ImageDraw.Draw(cell).text(
        (width / 2, height + _CAPTION / 2), caption, fill="black", font=_fitting(caption, width), anchor="mm"
    )
    return cell


def _fitting(caption: str, width: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The font of a caption: smaller where it would be wider than its picture."""
    fonts = [ImageFont.load_default(size) for size in range(_LETTERS, _SMALLEST_LETTERS - 1, -1)]
    return next((font for font in fonts if font.getlength(caption) <= width), fonts[-1])


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m tools.picture_sheet")
    found.add_argument("output", type=Path)
    found.add_argument("pictures", nargs="+", metavar="PICTURE=CAPTION")
    found.add_argument("--columns", type=int, default=4)
    found.add_argument("--height", type=int, default=320, help="of a picture in pixels")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sheet."""
    options = parser().parse_args(arguments)
    named = [text.partition("=") for text in options.pictures]
    pictures = [(find_picture(name), caption) for name, _, caption in named]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    sheet(pictures, columns=options.columns, height=options.height).save(options.output, quality=QUALITY)


if __name__ == "__main__":
    main()
