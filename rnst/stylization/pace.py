"""How far a picture is, and how long the rest of it takes, from the pixels that its steps compute."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rnst.stylization.scales import Scale

_MINUTE, _HOUR = 60.0, 3600.0


@dataclass(frozen=True)
class Reached:
    """How far a picture is.

    Attributes:
        share: of the work that is done, in [0, 1].
        seconds_left: expected; None until a step has been timed.
    """

    share: float
    seconds_left: float | None = None

    def __str__(self) -> str:
        left = "" if self.seconds_left is None else f", {duration(self.seconds_left)} left"
        return f"{100 * self.share:.0f} %{left}"


class Pace:
    """Times steps. A step at a larger scale counts by its pixels.

    Args:
        scales: of the picture; none means that nothing is known.
        clock: seconds.
    """

    def __init__(self, scales: Sequence[Scale], clock: Callable[[], float] = time.monotonic) -> None:
        self._scales, self._clock = scales, clock
        self._total = sum(math.prod(scale.size) * scale.steps for scale in scales)
        self._began: tuple[float, float] | None = None

    def at(self, step: int) -> Reached | None:
        """After a step, counted over all scales from 1; None where the plan is not known.

        The first call begins the timing: what came before it, in another session too, is not counted as time.
        """
        if not self._total:
            return None
        done = sum(math.prod(scale.size) * min(max(step - scale.first_step, 0), scale.steps) for scale in self._scales)
        now = self._clock()
        if self._began is None or done < self._began[1]:
            self._began = (now, done)
        timed = done - self._began[1]
        left = (now - self._began[0]) * (self._total - done) / timed if timed else None
        return Reached(done / self._total, left)


def duration(seconds: float) -> str:
    """Rounded to what matters: 40 s, 3 min, 2.5 h."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"
