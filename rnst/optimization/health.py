"""Detection of failing runs: a loss that is NaN or infinite, a loss that explodes, an image that no longer changes."""

import math
from dataclasses import dataclass
from enum import StrEnum

EXPLODED = 1000.0  # L-BFGS without a line search may raise the loss 30-fold in its first steps and recovers
PATIENCE = 20  # steps; more than ten, for which the line search may raise the loss
_PROGRESS = 1e-6
MOST_RESTARTS = 3


class Failure(StrEnum):
    """Kinds of failure of a run."""

    NOT_FINITE = "the loss is NaN or infinite"
    EXPLODED = "the loss explodes"
    STALLED = "the image no longer changes"


@dataclass
class DivergenceMonitor:
    """Checks the loss after each step of one objective.

    Args:
        descends: a run without a new lowest loss is a stall, as with a line search; otherwise only a constant loss is.
    """

    descends: bool = True
    lowest: float = math.inf
    _last: float = math.inf
    _idle: int = 0

    def observe(self, loss: float) -> Failure | None:
        """The failure after a step that ended with `loss`, or None."""
        if not math.isfinite(loss):
            return Failure.NOT_FINITE
        if self.lowest > 0.0 and loss > EXPLODED * self.lowest:  # a loss below zero gives no scale for an explosion
            return Failure.EXPLODED
        lower = loss < self.lowest * (1.0 - math.copysign(_PROGRESS, self.lowest))
        changed = abs(loss - self._last) > _PROGRESS * abs(loss)
        self._idle = 0 if lower or (changed and not self.descends) else self._idle + 1
        self.lowest, self._last = min(self.lowest, loss), loss
        return Failure.STALLED if self._idle >= PATIENCE else None

    def begin_anew(self) -> None:
        """Start with another objective, whose losses cannot be compared with the previous ones."""
        self.lowest, self._last, self._idle = math.inf, math.inf, 0
