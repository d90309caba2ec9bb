"""Frames of a camera that pans over a photo: `python -m tools.pan PHOTO FOLDER [--frames N] [--step X] [--width W]`.

The moving example of the documentation is made with it. The photo is a file, or the name of a sample.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from rnst.image.samples import find_picture

_SHAPE = 3 / 4  # height by width of a frame


def frames(photo: Image.Image, count: int, step: int, width: int) -> Iterator[Image.Image]:
    """Frames of which each shows the photo `step` pixels further right; the first begins at the left border.

    Args:
        photo: is scaled so that the last frame ends at its right border.
        count: of frames.
        step: in pixels of a frame.
        width: of a frame in pixels.
    """
    whole = width + (count - 1) * step
    scaled = photo.resize((whole, round(photo.height * whole / photo.width)), Image.Resampling.LANCZOS)
    height = min(scaled.height, round(_SHAPE * width))
    top = (scaled.height - height) // 2
    for number in range(count):
        yield scaled.crop((number * step, top, number * step + width, top + height))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m tools.pan")
    found.add_argument("photo")
    found.add_argument("folder", type=Path)
    found.add_argument("--frames", type=int, default=10)
    found.add_argument("--step", type=int, default=8, help="pixels from one frame to the next")
    found.add_argument("--width", type=int, default=192, help="of a frame in pixels")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the frames as 01.png, 02.png, ..."""
    options = parser().parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    photo = Image.open(find_picture(options.photo)).convert("RGB")
    for number, frame in enumerate(frames(photo, options.frames, options.step, options.width), start=1):
        frame.save(options.folder / f"{number:02d}.png")


if __name__ == "__main__":
    main()
