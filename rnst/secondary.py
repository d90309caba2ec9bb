"""What is written beside the result of a run: where it cannot be written, a warning, and the run goes on."""

import logging
from types import TracebackType
from typing import Self

_log = logging.getLogger(__name__)


class Secondary:
    """A context manager for writing something that a run can do without, as a state to resume from.

    Errors of writing are reported once, by a warning, and do not leave the block.

    Args:
        what: what is written, the subject of the warning: "the state of out.png".
        consequence: what its absence means for the user; "" for nothing.
        errors: kinds of errors besides OSError that mean that it could not be written.

    Attributes:
        failed: whether the last block failed.
    """

    def __init__(self, what: str, consequence: str = "", errors: tuple[type[Exception], ...] = ()) -> None:
        self._what, self._consequence = what, consequence
        self._errors: tuple[type[Exception], ...] = (OSError, *errors)
        self._reported = False
        self.failed = False

    def __enter__(self) -> Self:
        """Begin to write."""
        self.failed = False
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Report an error of writing; True keeps it from being raised."""
        self.failed = isinstance(error, self._errors)
        if self.failed and not self._reported:
            self._reported = True
            after = f"; {self._consequence}" if self._consequence else ""
            _log.warning("%s cannot be written: %s%s", self._what, reason_of(error), after)
        return self.failed


def reason_of(error: BaseException | None) -> str:
    """Message of an error in one line, without the number and without the temporary file of an OSError."""
    text = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split()) or type(error).__name__
