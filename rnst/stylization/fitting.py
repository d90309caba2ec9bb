"""Lightning's fit for a picture: quiet, and stopped by Ctrl-C without an error."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

import pytorch_lightning as pl

from rnst.stylization.image_optimization import ImageOptimization


def fit(trainer: pl.Trainer, task: ImageOptimization) -> bool:
    """Run; False where Ctrl-C ended it.

    A run that was stopped after its last step only has to be finished; Lightning does not start a run without steps.
    """
    if not len(task.train_dataloader()):
        task.on_train_end()
        return True
    with _without_hints():
        try:
            trainer.fit(task)
        except (KeyboardInterrupt, SystemExit):  # Lightning turns the first into the second
            return False
        finally:
            _detach(trainer)
    return not trainer.interrupted


def _detach(trainer: pl.Trainer) -> None:
    """Take back what Lightning gave the callbacks, which stay: methods of the task, by which they would keep it."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined] # Lightning attaches them
        for method in ("log", "log_dict"):
            vars(callback).pop(method, None)


@contextlib.contextmanager
def _without_hints() -> Iterator[None]:
    """A picture has no data set and a frozen network: Lightning's notes on loaders, modes and devices do not apply."""
    with warnings.catch_warnings(), contextlib.ExitStack() as undo:
        for logger in map(logging.getLogger, ("pytorch_lightning", "lightning_fabric")):
            undo.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")
        warnings.filterwarnings("ignore", message=".*LeafSpec.*deprecated.*")
        yield
