"""An average of the weights over the steps; evaluation and export use it."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor

from rnst.errors import InvalidValueError


class AveragedWeights(WeightAveraging):
    """Exponential moving average of weights and of batch-norm statistics (Polyak and Juditsky 1992).

    Validation, test and export use the average; a checkpoint holds both the average and the trained weights. After n
    steps the decay is at most (1 + n) / (10 + n), so that the first, random weights are soon forgotten.

    Args:
        decay: share of the average that is kept at each step; 0.999 averages over about the last 1000 steps.

    Raises:
        InvalidValueError: `decay` is not between 0 and 1.
    """

    def __init__(self, decay: float) -> None:
        if not 0 < decay < 1:
            raise InvalidValueError("--ema", decay, "between 0 and 1, as 0.999; 0 averages nothing")
        self.decay = decay
        self._swapped = False  # during a validation
        super().__init__(use_buffers=True, avg_fn=self._mean)

    def _mean(self, average: Tensor, current: Tensor, steps: Tensor) -> Tensor:
        """The next average, computed on the device without synchronization."""
        if not average.is_floating_point():  # batch norm's count of batches
            return current
        share = 1.0 - ((1 + steps) / (10 + steps)).clamp(max=self.decay)
        return average.lerp(current, share.to(average.dtype))

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Nothing yet: a resumed training of which nothing is left does not come here."""

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Take the average, unless no step was made."""
        if trainer.global_step:
            super().on_train_end(trainer, pl_module)

    def on_save_checkpoint(self, trainer: pl.Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Store average and trained weights, also amid a validation, in which they have changed places."""
        super().on_save_checkpoint(trainer, pl_module, checkpoint)
        if self._swapped and "current_model_state" in checkpoint:
            trained, average = checkpoint["state_dict"], checkpoint["current_model_state"]
            checkpoint["state_dict"], checkpoint["current_model_state"] = average, trained

    def _swap_models(self, pl_module: Any) -> None:
        super()._swap_models(pl_module)
        self._swapped = not self._swapped
