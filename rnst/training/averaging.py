"""An average of the weights over the steps, which is what gets evaluated and exported."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import WeightAveraging
from torch import Tensor

from rnst.errors import InvalidValueError


class AveragedWeights(WeightAveraging):
    """Exponential moving average of weights and of batch-norm statistics (Polyak and Juditsky 1992).

    Validation, test and export use the average; a checkpoint holds it beside the weights that are trained. Early on the
    decay is at most (1 + n) / (10 + n) after n steps, so that the first, random weights are forgotten soon.

    Args:
        decay: share of the average that stays at each step, as 0.999: it then looks back over about 1000 steps.

    Raises:
        InvalidValueError: not a share between 0 and 1.
    """

    def __init__(self, decay: float) -> None:
        if not 0 < decay < 1:
            raise InvalidValueError("--ema", decay, "between 0 and 1, as 0.999; 0 averages nothing")
        self.decay = decay
        super().__init__(use_buffers=True, avg_fn=self._mean)

    def _mean(self, average: Tensor, current: Tensor, steps: Tensor) -> Tensor:
        """The next average; computed on the device, which need not wait for it."""
        if not average.is_floating_point():  # how many batches a normalization has seen
            return current
        share = 1.0 - ((1 + steps) / (10 + steps)).clamp(max=self.decay)
        return average.lerp(current, share.to(average.dtype))

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Take the average, unless not one step was made."""
        if trainer.global_step:
            super().on_train_end(trainer, pl_module)
