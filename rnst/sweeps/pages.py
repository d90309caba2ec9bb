"""Pages of a sweep: all pictures linked, and the picked ones embedded in one file."""

import os
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from rnst.image.files import fit_long_side, read_image, resize, write_image
from rnst.reporting.gallery.names import Names
from rnst.reporting.gallery.page import write_gallery
from rnst.reporting.gallery.pictures import picture_type
from rnst.reporting.gallery.summary import NO_NAMES, varied_settings
from rnst.results import Result
from rnst.sweeps.picking import PICKED

_THUMBNAIL_SIDE = 320  # pixels
_INPUT_SIDE = 1024
_LARGEST_EMBEDDED = 24_000_000  # bytes of full-size pictures in one page
_NO_FILE = ""


def write_page(results: Sequence[Result], output: Path, title: str, names: Names = NO_NAMES) -> Path:
    """Write the page that compares all pictures, with thumbnails in its list."""
    small = {result.image: thumbnail(result, output.parent) for result in results}
    shown = {path: copy for path, copy in _inputs(results, output.parent).items() if picture_type(path) is None}
    return write_gallery(results, output, title=title, thumbnails={**small, **shown}, names=names)


def write_small_page(results: Sequence[Result], output: Path, title: str, names: Names = NO_NAMES) -> Path:
    """Write a page of the picked pictures alone, embedded.

    They have their full size, so that the magnifier shows their own pixels, unless the page would take more than
    24 megabytes; then they are reduced, as PNG.
    """
    folder = output.parent
    picked = [result for result in results if result.scores[PICKED]]
    small = {result.image: thumbnail(result, folder) for result in picked}
    small |= _inputs(picked, folder)
    if sum(result.image.stat().st_size for result in picked) > _LARGEST_EMBEDDED:
        picked = [_reduced(result, folder) for result in picked]
    varied = varied_settings(results)
    return write_gallery(picked, output, title=title, embed=True, thumbnails=small, names=names, varied=varied)


def thumbnail(result: Result, folder: Path) -> Path:
    """A small version of a picture in `folder`/thumbnails; made if there is none as new as the picture."""
    return _small(result.image, folder, _THUMBNAIL_SIDE, ".jpg", f"{result.image.parent.name}--{result.image.stem}")


def _reduced(result: Result, folder: Path) -> Result:
    """The result with a small lossless picture, and with the places of its inputs that do not depend on it."""
    image = _small(result.image, folder, _THUMBNAIL_SIDE, ".png", f"{result.image.parent.name}--{result.image.stem}")
    content, styles = _input_paths(result)
    paths = {"content_path": _absolute(content), "style_paths": [_absolute(style) for style in styles]}
    return replace(result, image=image, settings={**result.settings, **paths})


def _inputs(results: Sequence[Result], folder: Path) -> dict[Path, Path]:
    """File of each photo and painting -> a copy of at most 1024 pixels that a page can embed."""
    paths = {path for result in results for path in (_input_paths(result)[0], *_input_paths(result)[1]) if path}
    return {path: _small(path, folder, _INPUT_SIDE, ".jpg", _copy_name(path)) for path in paths if path.is_file()}


def _copy_name(path: Path) -> str:
    """One for each file: a photo and a painting may have the same name in different folders."""
    return f"input--{path.stem}--{sha256(os.fsencode(path.resolve())).hexdigest()[:8]}"


def input_copies(results: Sequence[Result], folder: Path) -> dict[Path, Path]:
    """Picture -> a copy of its photo that every reader can show; without those whose photo is absent."""
    copies = _inputs(results, folder)
    photos = {result.image: _input_paths(result)[0] for result in results}
    return {image: copies[photo] for image, photo in photos.items() if photo is not None and photo in copies}


def _input_paths(result: Result) -> tuple[Path | None, list[Path]]:
    content, styles = result.settings.get("content_path"), result.settings.get("style_paths") or []
    return (result.image.parent / content if content else None), [result.image.parent / style for style in styles]


def _absolute(path: Path | None) -> str:
    return _NO_FILE if path is None else str(path.resolve())


def _small(path: Path, folder: Path, side: int, ending: str, name: str) -> Path:
    """A copy in `folder`/thumbnails of at most that long side; made if there is none as new as the file."""
    copy = folder / "thumbnails" / f"{name}{ending}"
    if not copy.is_file() or copy.stat().st_mtime < path.stat().st_mtime:
        image = read_image(path)
        height, width = image.shape[-2:]
        size = fit_long_side((height, width), min(side, max(height, width)))
        write_image(resize(image, size), copy)
    return copy
