"""Files that a command is about to write: refused before the work where they cannot be, or would replace a file."""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rnst.errors import InvalidValueError
from rnst.secondary import reason_of

Identity = tuple[int, int]
"""Device and number of a file: equal for all its paths and links."""


def identified(inputs: Iterable[tuple[str, Path]]) -> dict[Identity, str]:
    """What is read, by the identity of the file; absent files are left out.

    Args:
        inputs: what a file is, and its path.
    """
    found = {}
    for what, path in inputs:
        identity = _identity(path)
        if identity is not None:
            found[identity] = what
    return found


def check_output(
    option: str,
    path: Path,
    inputs: Mapping[Identity, str],
    is_ours: Callable[[Path], bool] | None = None,
) -> None:
    """Refuse a file that cannot be written or that would replace another one. Nothing is created.

    Args:
        option: names the file in errors: "--output".
        path: the file to write.
        inputs: of `identified`, for every file that the command reads.
        is_ours: whether an existing file was written by this program, so that it may be replaced; None: it is.

    Raises:
        InvalidValueError: it is an input, a folder, write-protected or not ours; or its folder cannot be written.
    """
    shown = str(path)
    what = inputs.get(_identity(path) or (0, 0))
    if what is not None:
        raise InvalidValueError(option, shown, f"another file than {what}, which it would replace")
    try:
        exists = path.lstat() is not None
    except FileNotFoundError:
        exists = False
    except OSError as error:  # the name is too long, a parent is a file
        raise InvalidValueError(option, shown, f"a file that can be written: {reason_of(error)}") from error
    if path.is_dir():
        raise InvalidValueError(option, shown, "the name of a file: this is a folder")
    if exists and path.is_file() and not os.access(path, os.W_OK):
        raise InvalidValueError(option, shown, "a file that can be written: this one is write-protected")
    if exists and path.is_file() and is_ours is not None and path.stat().st_size and not is_ours(path):
        raise InvalidValueError(option, shown, "a new file: this one exists and was not written by rnst")
    check_folder(option, path.parent, shown)


def check_folder(option: str, folder: Path, shown: str | None = None) -> None:
    """Refuse a folder in which no file can be made; where it is absent, its nearest parent that exists counts.

    Args:
        option: names the folder in errors.
        folder: where files are to be written.
        shown: value of the option; None means the folder.

    Raises:
        InvalidValueError: no file can be made there.
    """
    there = folder.absolute()
    try:
        while not there.exists():
            there = there.parent
        with tempfile.TemporaryFile(dir=there, prefix="."):
            pass
    except OSError as error:
        raise InvalidValueError(
            option, shown or str(folder), f"in a folder that can be written: {there}: {reason_of(error)}"
        ) from error


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
