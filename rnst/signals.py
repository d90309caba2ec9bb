"""Signals that stop a run: Ctrl-C, the end of a batch job or a shutdown (SIGTERM), a lost terminal (SIGHUP)."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
STOPPING = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))
_EXIT_OF_SIGNALS = 128
_received: list[int] = []  # numbers of the signals that arrived, for the exit status of a run that keeps what it has


class Stopped(KeyboardInterrupt):
    """A signal stopped the run, or the user did.

    Args:
        message: for the user; "" for none.
        number: of the signal; None means the last one that arrived, or Ctrl-C where none did.
    """

    def __init__(self, message: str = "", number: int | None = None) -> None:
        super().__init__(message)
        self.number = _last() if number is None else number


def exit_status(stop: BaseException) -> int:
    """Exit status of a program that `stop` ended, as shells report it: 130 for Ctrl-C, 143 for SIGTERM."""
    return _EXIT_OF_SIGNALS + int(getattr(stop, "number", _last()))


def _last() -> int:
    return _received[-1] if _received else int(signal.SIGINT)


@contextlib.contextmanager
def handled(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    """In this block, `handler` receives the signals that stop a run.

    Signals that the program was started to ignore, as `nohup` and shells do, stay ignored. In other threads than the
    main one nothing is changed, because signals arrive in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    kept = {number: found for number, found in before.items() if found is not None and found != signal.SIG_IGN}

    def note(number: int, frame: FrameType | None) -> None:
        _received.append(number)
        handler(number, frame)

    for number in kept:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, found in kept.items():
            signal.signal(number, found)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """In this block, every signal that stops a run raises `Stopped`, as Ctrl-C raises KeyboardInterrupt."""
    _received.clear()
    with handled(raise_stopped):
        yield


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """In this block, the first signal that stops a run waits for the end of the block; the second one does not.

    Raises:
        Stopped: at the end of the block, or at once.
    """
    received = list[int]()

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise_stopped(number, frame)

    with handled(note):
        yield
    if received:
        raise Stopped(number=received[0])


def raise_stopped(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
    """Raise `Stopped`.

    Raises:
        Stopped: always.
    """
    raise Stopped(number=number)
