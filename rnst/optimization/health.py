"""Does a run still get anywhere? Numbers that are none, explosions, and standing still are found and named."""

import math
from dataclasses import dataclass
from enum import StrEnum

EXPLODED = 1000.0  # L-BFGS without a line search may climb by 30 in its first steps and comes back
PATIENCE = 20  # steps; a line search that may climb for ten needs more than those
_PROGRESS = 1e-6
MOST_RESTARTS = 3


class Failure(StrEnum):
    """What is wrong with a run."""

    NOT_FINITE = "the loss is no number any more"
    EXPLODED = "the loss explodes"
    STALLED = "the picture stands still"


@dataclass
class DivergenceMonitor:
    """Looks at the loss after each step; the objective is the same all the while.

    Args:
        descends: steps should reach new lowest losses before long, as a line search promises; otherwise only a loss
            that does not change at all is a stall.
    """

    descends: bool = True
    lowest: float = math.inf
    _last: float = math.inf
    _idle: int = 0

    def observe(self, loss: float) -> Failure | None:
        """What is wrong after a step that ended with `loss`; none where all is well."""
        if not math.isfinite(loss):
            return Failure.NOT_FINITE
        if self.lowest > 0.0 and loss > EXPLODED * self.lowest:  # what falls below zero has no scale to explode from
            return Failure.EXPLODED
        lower = loss < self.lowest * (1.0 - math.copysign(_PROGRESS, self.lowest))
        changed = abs(loss - self._last) > _PROGRESS * abs(loss)
        self._idle = 0 if lower or (changed and not self.descends) else self._idle + 1
        self.lowest, self._last = min(self.lowest, loss), loss
        return Failure.STALLED if self._idle >= PATIENCE else None

    def begin_anew(self) -> None:
        """Another objective: its losses cannot be compared with those before."""
        self.lowest, self._last, self._idle = math.inf, math.inf, 0
