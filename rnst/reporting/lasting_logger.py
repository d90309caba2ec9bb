"""Loggers that never end the run whose numbers they take."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger, WandbLogger

from rnst.secondary import Secondary


class LastingLogger(WandbLogger):
    """A logger whose failures, as a lost connection or a full disk, cost a warning and never the run.

    Args:
        errors: of the library, besides OSError and RuntimeError.
        options: of WandbLogger.

    Attributes:
        sending: a context for every other use of the run.
    """

    def __init__(self, errors: tuple[type[Exception], ...], **options: Any) -> None:
        super().__init__(**options)
        self.sending = Secondary("the run of Weights & Biases", "the work goes on", (*errors, RuntimeError))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log numbers or pictures."""
        with self.sending:
            super().log_metrics(metrics, step)

    def log_hyperparams(self, params: Any) -> None:
        """Log settings."""
        with self.sending:
            super().log_hyperparams(params)

    def finalize(self, status: str) -> None:
        """Close the logger."""
        with self.sending:
            super().finalize(status)

    def save(self) -> None:
        """Save what is logged."""
        with self.sending:
            super().save()


class LastingTables(CSVLogger):
    """Lightning's tables of metrics; one that cannot be written costs a warning.

    Args:
        folder: folder of the run.
        name: subfolder of the tables.
    """

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name=name)
        self._writing = Secondary("a table of metrics", "the work goes on without it")

    def save(self) -> None:
        """Write what was logged."""
        with self._writing:
            super().save()
