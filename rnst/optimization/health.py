"""Detection of failing runs: a loss that is NaN or infinite, a loss that explodes, an image that no longer changes."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

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
        lowest: loss so far.
        last: loss.
        idle: steps since there was progress.
    """

    descends: bool = True
    lowest: float = math.inf
    last: float = math.inf
    idle: int = 0

    def observe(self, loss: float) -> Failure | None:
        """The failure after a step that ended with `loss`, or None."""
        if not math.isfinite(loss):
            return Failure.NOT_FINITE
        if self.lowest > 0.0 and loss > EXPLODED * self.lowest:  # a loss below zero gives no scale for an explosion
            return Failure.EXPLODED
        lower = loss < self.lowest * (1.0 - math.copysign(_PROGRESS, self.lowest))
        changed = abs(loss - self.last) > _PROGRESS * abs(loss)
        self.idle = 0 if lower or (changed and not self.descends) else self.idle + 1
        self.lowest, self.last = min(self.lowest, loss), loss
        return Failure.STALLED if self.idle >= PATIENCE else None

    def begin_anew(self) -> None:
        """Start with another objective, whose losses cannot be compared with the previous ones."""
        self.lowest, self.last, self.idle = math.inf, math.inf, 0


class Remedy(StrEnum):
    """What is done about a failure."""

    GO_ON = "nothing"
    RESTART = "going on from the best picture, more carefully and in fp32"
    END = "ending with the best picture so far"


class RestartPolicy:
    """Decides after each step whether a run goes on, goes back to its best picture, or ends.

    A picture that stands still gets one restart in float32, where steps that rounding has hidden count again; in
    float32 it is as low as it gets. Explosions, and losses that are not finite, have MOST_RESTARTS of their own.

    Args:
        descends: see `DivergenceMonitor`.

    Attributes:
        in_fp32: whether the run has been restarted, and is evaluated without autocast since.
    """

    def __init__(self, *, descends: bool) -> None:
        self._monitor = DivergenceMonitor(descends)
        self._explosions = 0
        self.in_fp32 = False

    @property
    def over(self) -> bool:
        """Whether it has exploded too often."""
        return self._explosions > MOST_RESTARTS

    def observe(self, loss: float) -> tuple[Remedy, Failure | None]:
        """What to do after a step that ended with `loss`, and why."""
        failure = self._monitor.observe(loss)
        if failure is None:
            return Remedy.GO_ON, None
        if failure is not Failure.STALLED:
            self._explosions += 1
        if self.over:
            return Remedy.END, failure
        self._monitor.begin_anew()
        if failure is Failure.STALLED and self.in_fp32:
            return Remedy.GO_ON, None  # the next objective may change that
        self.in_fp32 = True
        return Remedy.RESTART, failure

    def objective_changed(self) -> None:
        """Losses cannot be compared with those before."""
        self._monitor.begin_anew()

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` takes."""
        return {"monitor": asdict(self._monitor), "explosions": self._explosions, "in_fp32": self.in_fp32}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._monitor = DivergenceMonitor(**state["monitor"])
        self._explosions, self.in_fp32 = state["explosions"], state["in_fp32"]
