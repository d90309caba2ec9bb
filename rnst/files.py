"""Files and folders that are complete or absent: written under a temporary name, then renamed."""

import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rnst.errors import MissingPathError, UnreadableFileError
from rnst.machine import umask

_Record = TypeVar("_Record")
# A text in JSON never has a line break, so this matches no part of one.
_NUMBERS = re.compile(r"\[\n\s+((?:-?[\d.eE+-]+,\n\s+)*-?[\d.eE+-]+)\n\s*\]")
_PACKAGE = Path(__file__).parent


def shipped_folders(name: str) -> tuple[Path, Path]:
    """Where a folder that comes with the program may be: in a checkout, and inside the installed package."""
    return _PACKAGE.parent / name, _PACKAGE / "bundled" / name


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` when the block ends without an error.

    The temporary file has the suffix of `path`, because image libraries choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(descriptor)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o666 & ~umask())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_written_aside(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, which must not exist; rename it when the block ends without an error.

    Raises:
        OSError: `path` exists when the block ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        yield aside
        aside.chmod(0o777 & ~umask())
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an indented JSON object, complete or not at all.

    Values without a JSON type, as paths, are written as text; NaN and infinite floats as null. A list of numbers takes
    one line.
    """
    text = json.dumps(_finite(content), indent=2, default=str)
    with written_aside(path) as aside:
        aside.write_text(_NUMBERS.sub(_on_one_line, text) + "\n", encoding="utf-8")


def _on_one_line(numbers: re.Match[str]) -> str:
    return "[" + ", ".join(part.strip() for part in numbers[1].split(",")) + "]"


def _finite(value: Any) -> Any:
    """The same value with None for every NaN or infinite float."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def read_json(path: Path, what: str, advice: str, make: Callable[[dict[str, Any]], _Record]) -> _Record:
    """Read a JSON object and convert it to a record.

    Args:
        path: the file.
        what: kind of file for messages: "an evaluation".
        advice: next step for a user whose file does not exist.
        make: content -> record; may raise the errors of missing or wrong entries.

    Raises:
        MissingPathError: the file does not exist.
        UnreadableFileError: the file is not JSON, or `make` fails.
    """
    if not path.is_file():
        raise MissingPathError(path, what.split(maxsplit=1)[-1], advice)
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFileError(path, what, str(error)) from error
