"""What a run costs and how its losses fall, counted over all scales."""

import time
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

_DRAWN = ("total", "style", "content")
_MOST_POINTS = 200  # of a curve in a sidecar
_DIGITS = 4


class RunMeter(Callback):
    """Count steps and evaluations of the loss, and keep the curves of the losses.

    Attributes:
        step: number of optimizer steps that are done, including those of earlier sessions.
        evaluations: forward and backward passes of this session; a line search takes several for one step.
    """

    def __init__(self) -> None:
        self.step = 0
        self.evaluations = 0
        self._before = 0
        self._began = time.monotonic()
        self._curves: dict[str, list[float]] = {"step": []}

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Count on from the last scale."""
        self._before = self.evaluations

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Count one step, and log the counts in the row of its losses."""
        self.step = pl_module.first_step + trainer.global_step
        self.evaluations = self._before + pl_module.evaluations
        while self._curves["step"] and self._curves["step"][-1] >= self.step:  # a scale that was begun anew
            for values in self._curves.values():
                values.pop()
        self._curves["step"].append(self.step)
        for name in _DRAWN:
            if name in pl_module.losses:
                self._curves.setdefault(name, []).append(float(f"{pl_module.losses[name]:.{_DIGITS}g}"))
        if trainer.loggers:
            pl_module.log("optim/evaluations", float(self.evaluations))
            pl_module.log("perf/seconds", time.monotonic() - self._began)

    def curves(self) -> dict[str, list[float]]:
        """Name -> loss at each of the steps under "step", thinned out to at most 200."""
        steps = len(self._curves["step"])
        kept = range(steps - 1, -1, -(1 + steps // _MOST_POINTS))
        return {name: [values[index] for index in reversed(kept)] for name, values in self._curves.items()}
