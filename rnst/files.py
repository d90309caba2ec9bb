"""Files and folders that are complete or absent: written aside, then renamed."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from rnst.errors import MissingPathError, UnreadableFileError

_Record = TypeVar("_Record")
_PACKAGE = Path(__file__).parent


def shipped_folders(name: str) -> tuple[Path, Path]:
    """Where a folder that comes with the program may be: in a checkout, and inside the installed package."""
    return _PACKAGE.parent / name, _PACKAGE / "bundled" / name


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; rename it to `path` when the block ends without an error.

    The temporary file keeps the ending of `path`, because image libraries choose the format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(descriptor)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o666 & ~_current_umask())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def folder_written_aside(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path`, which must not exist; rename it when the block ends without an error.

    Raises:
        OSError: `path` exists by then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    try:
        yield aside
        aside.chmod(0o777 & ~_current_umask())
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write an indented JSON object, complete or not at all.

    What JSON does not know, as paths, is written as text; a number that is none, or infinite, as null.
    """
    with written_aside(path) as aside:
        aside.write_text(json.dumps(_finite(content), indent=2, default=str) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """The same with None for every float that JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def read_json(path: Path, what: str, advice: str, make: Callable[[dict[str, Any]], _Record]) -> _Record:
    """Read a JSON object and make a record of it.

    Args:
        path: the file.
        what: it should be, for messages: "an evaluation".
        advice: for who named a file that is not there.
        make: content -> record; may fail as reading missing or foreign entries does.

    Raises:
        MissingPathError: no such file.
        UnreadableFileError: no JSON, or `make` fails on it.
    """
    if not path.is_file():
        raise MissingPathError(path, what.split(maxsplit=1)[-1], advice)
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFileError(path, what, str(error)) from error


def _current_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
