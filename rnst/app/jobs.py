"""One picture after the other: the main thread stylizes, threads of the server add, watch and stop."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnst.errors import RnstError, is_out_of_memory, one_line
from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.job import Job
from rnst.stylization.live_state import LiveState

_MOST_WAITING = 20
_SHOWN_SIDE = 900  # pixels of the picture in progress on the page
_LONGEST = 200  # characters of what a library says
_log = logging.getLogger(__name__)

Make = Callable[[Job, LiveState], Result]


class BusyError(RnstError):
    """Too many pictures wait."""

    def __init__(self) -> None:
        super().__init__(f"{_MOST_WAITING} pictures wait already. Wait until one is finished")


@dataclass(frozen=True)
class Seen:
    """What a page shows of the work.

    Attributes:
        version: grows with every picture that is added, begun or ended.
        output: file of the picture in progress; None where there is none.
        live: see `LiveState.summary`; empty where there is none.
        waiting: files of the pictures that come next.
        ended: file of the picture that ended last; None before there is one.
        problem: why the last picture could not be made, in one line; "" where it could.
    """

    version: int
    output: Path | None
    live: dict[str, Any]
    waiting: tuple[Path, ...]
    ended: Path | None
    problem: str


class Jobs:
    """A queue of pictures.

    Args:
        make: stylizes one picture; it calls the state after each step.
        state: makes the state of a picture that is about to begin.
    """

    def __init__(self, make: Make, state: Callable[[Job], LiveState]) -> None:
        self._make, self._state = make, state
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._current: Job | None = None
        self._live: LiveState | None = None
        self._ended: Path | None = None
        self._problem = ""
        self._version = 0
        self._closed = False

    def add(self, job: Job) -> None:
        """Add a picture.

        Raises:
            BusyError: too many wait.
        """
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                raise BusyError
            self._waiting.append(job)
            self._advance()

    def stop(self) -> None:
        """Stop the picture in progress after its current step; the best picture so far is kept."""
        with self._changed:
            if self._live is not None:
                self._live.stop.set()

    def close(self) -> None:
        """Begin no more pictures; `work` returns."""
        self.stop()
        with self._changed:
            self._closed = True
            self._advance()

    def seen(self) -> Seen:
        """What there is to show now."""
        with self._changed:
            output = None if self._current is None else self._current.records.output
            live, waiting = self._live, tuple(job.records.output for job in self._waiting)
            ended = (self._ended, self._problem)
            version = self._version
        return Seen(version, output, {} if live is None else live.summary(), waiting, *ended)

    def picture(self) -> bytes | None:
        """JPEG of the picture in progress, reduced for a page; None before its first step."""
        live = self._live
        return None if live is None else live.picture(_SHOWN_SIDE)

    def work(self) -> None:
        """Stylize what is added, until `close`.

        Raises:
            Stopped: a signal ended a picture, which is kept, or the wait for one.
        """
        while (job := self._next()) is not None:
            problem = self._made(job)
            with self._changed:
                self._current, self._live = None, None
                self._ended, self._problem = job.records.output, problem
                self._advance()

    def _next(self) -> Job | None:
        """The next picture; waits for one."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait(1.0)  # signals arrive between two waits
            if self._closed:
                return None
            self._current, self._live = self._waiting.popleft(), LiveState()
            self._advance()
            return self._current

    def _made(self, job: Job) -> str:
        """Stylize one picture; what went wrong, in one line, or ""."""
        live = LiveState()
        try:
            live = self._begin(job)
            result = self._make(job, live)
        except KeyboardInterrupt:
            if not live.stop.is_set():
                raise
            return "stopped before there was a picture"
        except (RnstError, OSError) as error:
            return one_line(error)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                return "out of memory. Choose a smaller size, or less detail"
            return _bug(error)
        except Exception as error:  # noqa: BLE001 - the next picture is not to blame
            return _bug(error)
        if not result.finished and not live.stop.is_set():
            raise Stopped
        return ""

    def _begin(self, job: Job) -> LiveState:
        """The state of a picture; a stop that came before it counts."""
        live = self._state(job)
        with self._changed:
            if self._live is not None and self._live.stop.is_set():
                live.stop.set()
            self._live = live
        return live

    def _advance(self) -> None:
        self._version += 1
        self._changed.notify_all()


def _bug(error: Exception) -> str:
    """A mistake of the program: its trace goes to the terminal."""
    _log.error("the picture failed", exc_info=error)
    return f"an error in rnst, {type(error).__name__}: {one_line(error)[:_LONGEST]}"
