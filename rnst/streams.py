"""Standard output and standard error that may be lost, as with a closed terminal, without ending the work."""

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rnst.errors import RnstError

_STANDARD = 3  # file descriptors: input, output, error


class LostOutputError(RnstError):
    """Standard output could not be written, for a reason other than a reader that has gone."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"standard output cannot be written: {reason}. What was done is kept; only its report is lost")


class LastingStream(io.TextIOBase):
    """A text stream whose failures are remembered instead of raised.

    After the first failure everything is dropped, also what libraries write to the file descriptor. Characters that the
    encoding does not have are escaped.

    Args:
        stream: the stream to write to; None drops everything.

    Attributes:
        failure: the first error of the stream; None if there was none.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        """Everything else is that of the stream."""
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override] # writable in typeshed
        """Of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        with contextlib.suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    def fileno(self) -> int:
        """File descriptor of the stream."""
        if self._stream is None:
            raise io.UnsupportedOperation("fileno")
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Write, or drop what cannot be written."""
        if self._stream is not None:
            with self._lasting():
                try:
                    self._stream.write(text)
                except UnicodeEncodeError:
                    encoding = self.encoding
                    self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override] # text instead of bytes
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush, or drop what cannot be written."""
        if self._stream is not None:
            with self._lasting():
                self._stream.flush()

    @contextlib.contextmanager
    def _lasting(self) -> Iterator[None]:
        try:
            yield
        except ValueError:  # the stream was closed
            self._stream = None
        except OSError as error:
            self.failure = self.failure or error
            self._drop()

    def _drop(self) -> None:
        """Point the file descriptor to the null device, so that what is buffered can be flushed when Python ends."""
        stream, self._stream = self._stream, None
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())  # type: ignore[union-attr] # only called where there is one
            os.close(null)


@contextlib.contextmanager
def lasting_streams() -> Iterator[None]:
    """In this block, standard output and standard error that cannot be written do not raise.

    Raises:
        LostOutputError: when the block ends, if standard output failed, unless its reader has gone.
    """
    _open_missing()
    before = sys.stdout, sys.stderr
    out, err = LastingStream(sys.stdout), LastingStream(sys.stderr)
    sys.stdout, sys.stderr = out, err
    try:
        yield
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before
    if out.failure is not None and not isinstance(out.failure, BrokenPipeError):
        raise LostOutputError(out.failure.strerror or str(out.failure))


def _open_missing() -> None:
    """Open closed standard descriptors on the null device: otherwise the next file that is opened would get them."""
    for descriptor in range(_STANDARD):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
