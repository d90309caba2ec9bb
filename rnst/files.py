"""Files and folders that are complete or absent: written under a temporary name, then renamed."""

import contextlib
import itertools
import json
import math
import os
import platform
import re
import shutil
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from rnst.errors import MissingPathError, UnreadableFileError
from rnst.machine import is_running, umask
from rnst.secondary import reason_of

_Record = TypeVar("_Record")
# A text in JSON never has a line break, so this matches no part of one.
_NUMBERS = re.compile(r"\[\n\s+((?:-?[\d.eE+-]+,\n\s+)*-?[\d.eE+-]+)\n\s*\]")
_PACKAGE = Path(__file__).parent
_STEM = 24  # characters of a temporary name; with 4 bytes each, and a suffix, they fit into 255
_ADDRESS = re.compile(r"(file|https?|ftp|s3|gs|r2):/")
_LONGEST_SHOWN = 200  # characters of a name in a message


def shipped_folders(name: str) -> tuple[Path, Path]:
    """Where a folder that comes with the program may be: in a checkout, and inside the installed package."""
    return _PACKAGE.parent / name, _PACKAGE / "bundled" / name


class NotWrittenError(OSError):
    """A file could not be written.

    Attributes:
        reason: why, without the name of the file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be written: {reason}")
        self.reason = reason


def exists(name: Path | str) -> bool:
    """Whether there is a file or folder of that name; False for a name that no path can have."""
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def is_folder(name: Path | str) -> bool:
    """Whether there is a folder of that name; False for a name that no path can have."""
    return exists(name) and Path(name).is_dir()


def numbered(path: Path) -> Iterator[Path]:
    """The path, then others with -2, -3, ... added to its stem, without end."""
    yield path
    yield from (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))


def existing_file(name: Path | str, what: str, advice: str) -> Path:
    """The path of a file that a user names.

    Args:
        name: as the user gave it.
        what: kind of file for messages: "picture".
        advice: next step for a user whose file does not exist.

    Raises:
        MissingPathError: there is no such file; the message names a folder, a device or an address as what it is.
    """
    path, text = Path(name), str(name)
    if not text:
        raise MissingPathError("''", what, f"The name is empty. {advice}")
    if _ADDRESS.match(text):
        raise MissingPathError(text, what, "Addresses are not read: download the file first.")
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # no such file, a name that is too long or holds a zero byte, no right
        denied = "You have no right to read it." if isinstance(error, PermissionError) else advice
        raise MissingPathError(_short(text), what, denied) from error
    if stat.S_ISDIR(mode):
        raise MissingPathError(path, what, "It is a folder.")
    if not stat.S_ISREG(mode):
        raise MissingPathError(path, what, "It is a device or a pipe and not a file.")
    return path


def _short(text: str) -> str:
    shown = text.encode("unicode_escape", "replace").decode() if "\0" in text else text
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` when the block ends without an error.

    The temporary file has the suffix of `path`, because image libraries choose the format by it, and a short name, so
    that every name that the folder can hold can be written. An existing file keeps its permissions; where `path` is a
    link, the file to which it leads is replaced.

    Raises:
        NotWrittenError: the file cannot be written; also for an OSError of the block.
    """
    aside = path
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(target.parent)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(path.stem), suffix=path.suffix)
        os.close(descriptor)
        aside = Path(name)
        yield aside
        aside.chmod(stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~umask())
        aside.replace(target)
    except OSError as error:
        raise error if isinstance(error, NotWrittenError) else NotWrittenError(path, reason_of(error)) from error
    finally:
        if aside != path:
            aside.unlink(missing_ok=True)


@contextmanager
def folder_written_aside(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`; rename it to `path` when the block ends without an error.

    Raises:
        OSError: `path` exists when the block ends, and is not an empty folder, which is replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent)
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path.name)))
    try:
        yield aside
        aside.chmod(0o777 & ~umask())
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _prefix(stem: str) -> str:
    """Beginning of a temporary name: hidden, with the machine and the process that writes, see `_remove_abandoned`."""
    return f".{stem[:_STEM]}-{_machine()}-{os.getpid()}-"


@lru_cache
def _machine() -> str:
    """The machine, and the container within it, whose processes have numbers of their own."""
    name = platform.node()
    with contextlib.suppress(OSError):
        name += str(Path("/proc/self/ns/pid").readlink())  # of Linux
    return f"{zlib.crc32(name.encode()):08x}"


@lru_cache(maxsize=1024)
def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files and folders of processes of this machine that were killed while they wrote."""
    name = re.compile(rf"\..*-{_machine()}-(\d+)-[^-]{{8}}(\.[^.]+)?")
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            found = name.fullmatch(path.name) if path.name.startswith(".") else None
            if found is None or is_running(int(found[1])):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def beside(picture: Path, ending: str, belongs: Callable[[Path], bool]) -> Path:
    """A file that accompanies another one: `o.json` of `o.png`; `o.png.json` where `o.json` is a file of its own.

    Args:
        picture: the file that is accompanied.
        ending: of the companion, with its dot.
        belongs: whether an existing file is the companion of `picture`.
    """
    usual = picture.with_suffix(ending)
    return usual if not os.path.lexists(usual) or belongs(usual) else picture.with_name(f"{picture.name}{ending}")


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
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableFileError(path, what, _why_no_record(error)) from error


def _why_no_record(error: Exception) -> str:
    """Why a JSON file is no record, in our words."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return "it is empty" if not error.doc.strip() else f"it is no JSON (line {error.lineno}: {error.msg})"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
