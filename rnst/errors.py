"""Errors that the user can correct: `RnstError` and its subclasses. Messages name the next step."""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class RnstError(Exception):
    """Base class of all errors that a command reports as one line and exit status 2."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the message and state, not the constructor's arguments, so that errors pass between processes."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[RnstError], arguments: tuple[Any, ...], state: dict[str, Any]) -> RnstError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class MissingPathError(RnstError):
    """A file or folder given by the user does not exist."""

    def __init__(self, path: Path | str, what: str, advice: str) -> None:
        super().__init__(f"{what} not found: {path}. {advice}")


class UnreadableFileError(RnstError):
    """A file exists, but has the wrong content."""

    def __init__(self, path: Path | str, what: str, reason: str) -> None:
        super().__init__(f"cannot read {path} as {what}: {reason}")


class WorkerError(RnstError):
    """An error of a worker process that loads data.

    torch raises it again in the main process, from a text that holds the traceback and ends with the message.
    """

    def __init__(self, text: str) -> None:
        last = text.strip().splitlines()[-1]
        super().__init__(last.removeprefix(f"{__name__}.{WorkerError.__name__}: "))


class UnknownNameError(RnstError):
    """A name is not in the list of valid names."""

    def __init__(self, what: str, name: str, valid: Iterable[str]) -> None:
        names = [str(known) for known in valid]
        lasts = {known.rpartition("/")[2].strip("'"): known for known in names}  # a preset without its folder
        close = get_close_matches(name, lasts, 1)
        meant = f" did you mean {lasts[close[0]]}?" if close else ""
        super().__init__(f"unknown {what} {name!r};{meant} valid: {', '.join(names)}")


class InvalidValueError(RnstError):
    """A value is outside the range of an option."""

    def __init__(self, option: str, value: object, wanted: str) -> None:
        super().__init__(f"{option} is {value!r}, but must be {wanted}")


def counted(count: int, noun: str) -> str:
    """The count and the noun in its number: "1 picture", "2 pictures"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def how_to_add(extra: str) -> str:
    """How an optional extra is installed; the package is in no index, where others could publish its name."""
    return f"start it by uv run --extra {extra}, or pip install '.[{extra}]' in the folder of the project"


class MissingExtraError(RnstError):
    """A library of an optional extra is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra {extra!r}: {how_to_add(extra)}")


class MemoryExhaustedError(RnstError):
    """A device, or the machine, has no memory left for the work."""

    def __init__(self, advice: str) -> None:
        super().__init__(f"out of memory. {advice}")


def one_line(error: Exception) -> str:
    """What a command prints about an error; a file that cannot be had is called by the name that the user knows."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        named = error.filename2 if error.filename2 is not None else error.filename
        return f"{os.fsdecode(named)}: {error.strerror}"
    return " ".join(str(error).split("\n"))


_EXHAUSTED = ("out of memory", "can't allocate memory", "ALLOC_FAILED")  # CUDA, torch's allocator of the CPU, cuDNN


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or Python means that memory could not be allocated.

    torch has a class for what its own allocator of a device finds; libraries and the CPU have a text alone.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _EXHAUSTED)
