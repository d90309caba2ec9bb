"""One run for one stylized picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pytorch_lightning.loggers import Logger
from torch import Tensor

from rnst.image.files import fit_long_side, resize
from rnst.reporting.tracking.run import Run
from rnst.reporting.tracking.tracker import Tracker

PICTURE = "picture"
_INPUT_SIDE = 512  # pixels; inputs are logged to be recognized


class Finished(NamedTuple):
    """What is known at the end of a picture.

    Attributes:
        image: (1, 3, H, W) in [0, 1].
        step: optimizer steps done.
        losses: name -> loss of this picture.
        scores: name -> score.
        costs: name of the metric -> what the run took, as "perf/seconds".
    """

    image: Tensor
    step: int
    losses: Mapping[str, float]
    scores: Mapping[str, float]
    costs: Mapping[str, float]


class PictureTracker:
    """Logs one picture.

    Losses are those at the start of a step, counted from 0. The finished picture, its losses, scores and costs
    are logged at the number of steps, under the same names as the intermediate ones.

    Args:
        tracking, folder, run, label: see `Tracker`.
    """

    def __init__(self, tracking: str, folder: Path, run: Run, label: str = "") -> None:
        self._tracker = Tracker(tracking, folder, run, label)

    @property
    def loggers(self) -> list[Logger]:
        """The loggers for a Trainer."""
        return self._tracker.loggers

    def inputs(self, images: Mapping[str, Tensor], step: int = 0) -> None:
        """Log what is read, once: name -> (1, 3, H, W) in [0, 1]."""
        if not self.loggers:
            return
        for name, image in images.items():
            height, width = image.shape[-2:]
            small = fit_long_side((height, width), _INPUT_SIDE)
            shown = resize(image, small) if max(height, width) > _INPUT_SIDE else image
            self._tracker.picture(f"input/{name}", shown, step)

    def show(self, image: Tensor, step: int) -> None:
        """Log an intermediate picture (1, 3, H, W) at its step."""
        self._tracker.picture(PICTURE, image, step)

    def finish(self, finished: Finished) -> None:
        """Log the finished picture with its numbers, and close the run, so that its files are complete."""
        if not self.loggers:
            return
        groups = {"loss": finished.losses, "score": finished.scores}
        values = {f"{group}/{name}": value for group, found in groups.items() for name, value in found.items()}
        values |= finished.costs
        self._tracker.metrics(values, finished.step)
        self._tracker.picture(PICTURE, finished.image, finished.step)
        self._tracker.summary(values)
        self._tracker.finish()
