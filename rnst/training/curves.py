"""The learning curve of a training: read from its metric tables, drawn again after each validation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from rnst.errors import MissingPathError
from rnst.reporting.metric_tables import read_rows
from rnst.reporting.plots import Curve, line_plot

_CURVES = {"val/accuracy_clean": "clean", "val/accuracy_attacked": "under attack"}


class LearningCurve(Callback):
    """Keep `curve.png` in the folder of a run: clean and robust accuracy by epoch.

    Args:
        folder: folder of the run; its tables are in `metrics`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Draw the curve with the last epoch, whose tables are complete now."""
        self._draw(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:  # noqa: ARG002 - a hook
        """Draw the complete curve."""
        self._draw(trainer)

    def _draw(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero:
            for logger in trainer.loggers:
                logger.save()
            if curves := learning_curves(self._folder):
                draw(self._folder / "curve.png", curves)


def learning_curves(folder: Path) -> dict[str, Curve]:
    """Accuracies by epoch of one training; epochs that a resumed training repeated replace the earlier ones.

    Args:
        folder: folder of the run.

    Returns:
        Name of the curve -> (epochs done, shares in [0, 1]); empty before the first evaluation.
    """
    rows = read_rows(folder)
    curves: dict[str, Curve] = {}
    for key, name in _CURVES.items():
        points = [(int(row["epoch"]) + 1, float(row[key])) for row in rows if row.get(key)]
        if points:
            curves[name] = ([epoch for epoch, _ in points], [value for _, value in points])
    return curves


def draw(path: Path, curves: Mapping[str, Curve], title: str = "") -> None:
    """Write accuracy by epoch as PNG.

    Raises:
        MissingPathError: there is nothing to draw.
    """
    if not curves:
        raise MissingPathError(path, "a curve", "Nothing was validated yet.")
    line_plot(path, curves, x_label="epoch", y_label="accuracy", title=title, percent=True)
