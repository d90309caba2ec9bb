"""Pictures that the page receives: checked as those of a command line are, and kept under a safe name."""

import hashlib
from pathlib import Path

from rnst.files import numbered, written_aside
from rnst.image.files import fit_long_side, image_from_bytes, read_image, resize, write_image
from rnst.image.opening import readable_endings
from rnst.image.samples import find_picture

_LONGEST_STEM = 60
_USUAL_STEM, _USUAL_ENDING = "picture", ".png"
_MARKS = "._-+"


def keep(upload: Path, folder: Path) -> Path:
    """Copy a picture into a folder; the same content under the same name is kept once.

    Args:
        upload: a file whose name somebody else chose.
        folder: made where it is absent.

    Raises:
        UnreadableFileError: it is no picture; the line is that of the command, with the name that the user knows.
        OSError: it cannot be copied.
    """
    content = upload.read_bytes()
    image_from_bytes(content, upload.name)
    name = Path(safe_name(upload.name))
    path = next(path for path in numbered(folder / name) if not path.exists() or path.read_bytes() == content)
    if not path.exists():
        with written_aside(path) as aside:
            aside.write_bytes(content)
    return path


def safe_name(name: str) -> str:
    """A file name of letters, digits and a few marks, of bounded length, with the ending of a picture."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = last.rpartition(".")
    if not dot or f".{ending.lower()}" not in readable_endings():
        stem, ending = last, _USUAL_ENDING.removeprefix(".")
    plain = "".join(letter if letter.isalnum() or letter in _MARKS else "-" for letter in stem)
    return f"{plain.strip(_MARKS)[:_LONGEST_STEM] or _USUAL_STEM}.{ending.lower()}"


def preview(name: str, folder: Path, long_side: int) -> Path:
    """A small PNG of a picture, made again only if the file has changed.

    Args:
        name: a path, or the name of a sample.
        folder: of previews.
        long_side: in pixels, at most.

    Raises:
        MissingPathError, UnreadableFileError: there is no such picture.
    """
    path = find_picture(name)
    made = folder / f"{_known(path)}-{long_side}.png"
    if not made.is_file():
        image = read_image(path)
        size = (image.shape[-2], image.shape[-1])
        write_image(resize(image, fit_long_side(size, min(max(size), long_side))), made)
    return made


def pair(left: Path, right: Path, folder: Path) -> tuple[Path, Path]:
    """Two pictures at the size of the larger one, for a slider between both.

    Args:
        left: a file.
        right: another one.
        folder: of previews.

    Raises:
        MissingPathError, UnreadableFileError: one of them cannot be read.
    """
    images = [read_image(path) for path in (left, right)]
    size = max(((image.shape[-2], image.shape[-1]) for image in images), key=max)
    made = []
    for path, image in zip((left, right), images, strict=True):
        made.append(folder / f"{_known(path)}-{size[1]}x{size[0]}.png")
        if not made[-1].is_file():
            write_image(resize(image, size), made[-1])
    return made[0], made[1]


def _known(path: Path) -> str:
    """A name for a file that is another one once the file has changed."""
    status = path.stat()
    identity = f"{path.resolve()} {status.st_mtime_ns} {status.st_size}"
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]
