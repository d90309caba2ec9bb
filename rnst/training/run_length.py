"""The length of a training in optimizer steps."""

import math

import pytorch_lightning as pl


def steps_of(trainer: pl.Trainer) -> tuple[float, float]:
    """Optimizer steps of the whole run, infinite if no number of steps or epochs ends it, and of one epoch.

    Args:
        trainer: while it sets up a fit. `max_steps` may end the run within the epochs of `max_epochs`.
    """
    if trainer.train_dataloader is None:  # opened here by Lightning too, if the length is given in epochs
        trainer.fit_loop.setup_data()
    total, batches = trainer.estimated_stepping_batches, trainer.num_training_batches
    if not math.isfinite(batches):  # a loader without a length
        return total, total / max(1, trainer.max_epochs or 1)
    return total, math.ceil(batches / trainer.accumulate_grad_batches)
