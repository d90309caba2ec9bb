"""One run in every tracker that is chosen, under the same names of metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, TensorBoardLogger
from torch import Tensor

from rnst.errors import MissingExtraError
from rnst.image.files import read_image
from rnst.reporting.lasting_logger import LastingTables
from rnst.reporting.trackers import CSV, TENSORBOARD, WANDB, chosen_trackers
from rnst.reporting.tracking import wandb_runs
from rnst.reporting.tracking.run import Run
from rnst.reporting.tracking.wandb_runs import Rows

METRICS = "metrics"
"""Folder of the tables of metrics."""


class Tracker:
    """Logs one run to Weights & Biases, TensorBoard and tables of metrics.

    Metrics go to all of them; pictures to the first two; tables and pages to Weights & Biases.

    Args:
        tracking: see `chosen_trackers`.
        folder: holds the folders `wandb`, `tensorboard` and `metrics`.
        run: what identifies the run.
        label: subfolder of `tensorboard` and `metrics`; "" if the folder holds one run alone.

    Raises:
        MissingExtraError: the writer of TensorBoard is not installed.
    """

    def __init__(self, tracking: str, folder: Path, run: Run, label: str = "") -> None:
        names = chosen_trackers(tracking)
        self._wandb = wandb_runs.open_wandb(folder, run) if WANDB in names else None
        self._board = _tensorboard(folder, label) if TENSORBOARD in names else None
        self._table = LastingTables(folder, name=str(Path(METRICS, label))) if CSV in names else None
        for logger in (self._board, self._table):
            if logger is not None:
                logger.log_hyperparams(dict(run.config))

    @property
    def loggers(self) -> list[Logger]:
        """The loggers for a Trainer."""
        return [logger for logger in (self._wandb, self._board, self._table) if logger is not None]

    def metrics(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers at a step."""
        for logger in self.loggers:
            logger.log_metrics(dict(values), step)

    def picture(self, name: str, image: Tensor, step: int) -> None:
        """Log an image (1, 3, H, W) in [0, 1] at a step."""
        if self._wandb is not None:
            wandb_runs.log_image(self._wandb, name, image, step)
        if self._board is not None:
            self._board.experiment.add_image(name, image[0].detach().float().cpu().clamp(0.0, 1.0), step)

    def figure(self, name: str, path: Path, step: int = 0) -> None:
        """Log a picture file at a step."""
        if self._wandb is not None or self._board is not None:
            self.picture(name, read_image(path), step)

    def summary(self, values: Mapping[str, Any]) -> None:
        """Set values that lists of runs show."""
        if self._wandb is not None:
            wandb_runs.summarize(self._wandb, values)

    def config(self, values: Mapping[str, Any]) -> None:
        """Add settings that were not known at the start."""
        if self._wandb is not None:
            wandb_runs.configure(self._wandb, values)

    def report(self, tables: Mapping[str, Rows], files: Mapping[str, Path], pictures: Sequence[Path] = ()) -> None:
        """Log the tables, figures and pages of a finished experiment, and close the run.

        Args:
            tables: name -> rows, each column -> value; Weights & Biases alone has tables.
            files: name -> PNG file or HTML page with embedded pictures.
            pictures: file of a picture for each row of the tables.
        """
        if self._wandb is not None:
            wandb_runs.log_report(
                self._wandb, {name: wandb_runs.as_table(rows, pictures) for name, rows in tables.items()}, files
            )
        if self._board is not None:
            for name, path in files.items():
                if path.suffix != ".html":
                    self._board.experiment.add_image(name, read_image(path)[0], 0)
        self.finish()

    def finish(self) -> None:
        """Close the run, so that its files are complete."""
        if self._board is not None:
            self._board.close()
        if self._table is not None:
            self._table.finalize("success")
        if self._wandb is not None:
            wandb_runs.finish(self._wandb)


def upload_command(folder: Path) -> str:
    """The command that uploads every offline run of a folder."""
    return f"wandb sync {folder}/wandb/offline-run-*"


def has_offline_runs(folder: Path) -> bool:
    """Whether a folder holds runs of Weights & Biases that were only written to disk."""
    return any((folder / "wandb").glob("offline-run-*"))


class _Board(TensorBoardLogger):
    """A TensorBoard logger that outlives the Trainer of one scale.

    Trainers call `finalize`, which would close the file; tensorboardX then begins a file of the same name.
    """

    def finalize(self, status: str) -> None:  # noqa: ARG002 - a hook of Lightning
        """Write what was logged."""
        if self._experiment is not None:
            self._experiment.flush()

    def close(self) -> None:
        """Close the file."""
        super().finalize("success")


def _tensorboard(folder: Path, label: str) -> _Board:
    try:
        return _Board(folder, name=str(Path("tensorboard", label)), default_hp_metric=False)
    except ModuleNotFoundError as error:
        raise MissingExtraError("--tracking tensorboard", "tensorboard") from error
