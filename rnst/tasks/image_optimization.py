"""Painting as a LightningModule: the picture is the parameter, the network is frozen."""

import math
from collections.abc import Callable, Iterable, Mapping

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from rnst.image.parameters import ImageParameter
from rnst.optimization.optimizers import PixelOptimizer

Features = Mapping[str, Tensor]


class ImageOptimization(pl.LightningModule):
    """Move a picture until its features are what an objective asks for.

    Args:
        image: the only parameter that is trained.
        encoder: image (1, 3, H, W) in [0, 1] to layer -> features; frozen.
        objective: (features, image) to named scalars, "total" among them.
        optimizer: how the picture moves.
        steps: optimizer steps.
        first_step: number of the first step in logs, for runs that go on from another.
    """

    def __init__(
        self,
        image: ImageParameter,
        encoder: nn.Module,
        objective: Callable[[Features, Tensor], dict[str, Tensor]],
        optimizer: PixelOptimizer,
        *,
        steps: int,
        first_step: int = 0,
    ) -> None:
        super().__init__()
        self.image = image
        self.encoder = encoder
        self.objective = objective
        self.optimizer = optimizer
        self.steps = steps
        self.first_step = first_step
        self.losses: dict[str, float] = {}
        self.best_losses: dict[str, float] = {"total": math.inf}
        self.best_image: Tensor | None = None

    def forward(self) -> Tensor:
        """The picture as it is now, (1, 3, H, W) in [0, 1]."""
        with torch.no_grad():
            picture: Tensor = self.image().detach().clamp(0.0, 1.0)
        return picture

    def train_dataloader(self) -> Iterable[int]:
        """One item for each step; there is no data but the picture."""
        return range(self.steps)

    def training_step(self, batch: int, batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
        """Loss of the picture; L-BFGS may call this several times in one step."""
        image = self.image()
        losses = self.objective(self.encoder(image), image)
        self.losses = {name: value.item() for name, value in losses.items()}
        if self.losses["total"] < self.best_losses["total"]:
            self.best_losses, self.best_image = self.losses, image.detach().clamp(0.0, 1.0).clone()
        self.log("step", float(self.first_step + self.global_step))  # Lightning takes this as the step of the row
        self.log_dict({f"loss/{name}": value for name, value in self.losses.items()})
        return losses["total"]

    def on_train_batch_end(self, *_: object) -> None:
        """Keep pixels that are bounded by nothing else in range."""
        self.image.restrict()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The picture alone."""
        return self.optimizer.build(self.image.parameters())
