"""Stylization as a LightningModule: the image is the parameter, the network is frozen."""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from rnst.image.parameters import ImageParameter
from rnst.image.transforms import Size, Transform
from rnst.losses.objective import split_layers
from rnst.optimization.averaging import RunningMean
from rnst.optimization.health import Failure, Remedy, RestartPolicy
from rnst.optimization.mean_losses import mean_losses
from rnst.optimization.optimizers import PixelOptimizer, ThriftyLBFGS, start_again
from rnst.optimization.process_group import wait_for_all
from rnst.stylization.best import BestSoFar, without_margin
from rnst.stylization.state_check import UNFIT, StateError

Features = Mapping[str, Tensor]

STEPS_OF_AN_AUGMENTATION = 15
_SHORTER = 0.3  # how much shorter the steps are after each failure

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AugmentedObjective:
    """The picture as the network sees it for a while.

    Attributes:
        transform: of the picture before the network sees it.
        objective: (features, image) to named scalars, "total" among them; its targets were measured under that
            transform.
        others: views of the same step; its losses are the mean over all of them.
    """

    transform: Transform
    objective: Callable[[Features, Tensor], dict[str, Tensor]]
    others: tuple["AugmentedObjective", ...] = ()

    def losses(self, encoder: nn.Module, image: Tensor) -> dict[str, Tensor]:
        """Named scalars of the picture (1, 3, H, W), "total" among them."""
        return mean_losses([partial(view._own, encoder) for view in (self, *self.others)], image)

    def _own(self, encoder: nn.Module, image: Tensor) -> dict[str, Tensor]:
        return self.objective(encoder(self.transform(image)), image)


@dataclass(frozen=True)
class Schedule:
    """When what happens.

    Attributes:
        steps: optimizer steps.
        hold: steps before the next view; L-BFGS needs several with the same objective.
        first_step: number of the first step in logs, for runs that go on from another.
        done: steps that were done before, by a run that was stopped.
    """

    steps: int
    hold: int = STEPS_OF_AN_AUGMENTATION
    first_step: int = 0
    done: int = 0


class ImageOptimization(pl.LightningModule):
    """Optimize an image so that its features minimize an objective.

    A run whose loss diverges, is not finite, or stalls restarts from its best image in float32, with shorter steps and
    a line search, and logs a warning, see `RestartPolicy`. `BestSoFar` defines which image is kept; the losses of a
    mean are measured at the end, in the last view.

    Args:
        image: the only parameter that is trained.
        encoder: image (1, 3, H, W) in [0, 1] to layer -> features; frozen.
        views: the picture is optimized for one view after the other, for the last one to the end. A pattern that lowers
            the loss at one position of the network's grid of strides only, as a checkerboard, is undone by the next.
        optimizer: how the parameters are updated.
        schedule: when what happens.
        margin: pixels above and below, and left and right of the picture that are optimized and never shown: the
            network's zero padding distorts them.
    """

    def __init__(
        self,
        image: ImageParameter,
        encoder: nn.Module,
        views: Sequence[AugmentedObjective],
        optimizer: PixelOptimizer,
        schedule: Schedule,
        margin: Size = (0, 0),
    ) -> None:
        super().__init__()
        self.image = image
        self.encoder = encoder
        self.views = views
        objectives = [single.objective for view in views for single in (view, *view.others)]
        self._objectives = nn.ModuleList(objective for objective in objectives if isinstance(objective, nn.Module))
        self.optimizer = optimizer
        self.schedule = schedule
        self.first_step = schedule.first_step + schedule.done
        self.margin = margin
        self.losses: dict[str, float] = {}
        self.evaluations = 0
        self.best = BestSoFar(image, RunningMean(optimizer.averaging) if optimizer.averages else None)
        self._policy = RestartPolicy(descends=optimizer.descends)
        self._optimizer_state: Mapping[str, Any] | None = None

    @torch.no_grad()
    def forward(self) -> Tensor:
        """The picture as it is now, (1, 3, H, W) in [0, 1], without its margin."""
        return without_margin(self.image() if self.best.mean is None else self.best.mean, self.margin)

    def train_dataloader(self) -> range:
        """One item for each step; there is no data but the picture."""
        return range(self.schedule.done, self.schedule.steps)

    def on_train_batch_start(self, batch: int, batch_idx: int) -> int | None:  # noqa: ARG002 - a hook
        """Another view has another objective: what the optimizer knows of the last evaluation is out of date."""
        if self._policy.over:
            return -1  # Lightning then ends the epoch
        if self._view(batch_idx) is not self._view(batch_idx - 1):
            if self.schedule.hold > 1:
                self._policy.objective_changed()
            optimizer = self.optimizers(use_pl_optimizer=False)
            if isinstance(optimizer, ThriftyLBFGS):
                optimizer.objective_changed()
        return None

    def training_step(self, batch: int, batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
        """Loss of the picture; L-BFGS may call this several times in one step."""
        view = self._view(batch_idx)
        with torch.autocast(self.device.type, enabled=False) if self._policy.in_fp32 else contextlib.nullcontext():
            image = self.image()
            losses = view.losses(self.encoder, image)
        self.evaluations += 1
        self.losses, layers = split_layers(_numbers(losses))
        self.best.add(self.losses, self.image, image, self.margin)
        self.log("step", float(self.first_step + self.global_step))  # Lightning takes this as the step of the row
        self.log_dict({f"loss/{name}": value for name, value in self.losses.items()})
        if self.trainer.loggers:
            self.log_dict({f"loss/{name}": value for name, value in layers.items()})
        return losses["total"]

    def _view(self, batch_idx: int) -> AugmentedObjective:
        turn = (self.schedule.done + batch_idx) // self.schedule.hold
        return self.views[min(turn, len(self.views) - 1)]

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """Update, then check the health of the run: callbacks see the state that the next step starts from."""
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        remedy, failure = self._policy.observe(self.losses["total"])
        if remedy is Remedy.GO_ON:
            return
        self.best.restore(self.image)
        if remedy is Remedy.RESTART:
            start_again(self.optimizers(use_pl_optimizer=False), 1.0 if failure is Failure.STALLED else _SHORTER)
        _log.warning("step %d: %s; %s", self.first_step + batch_idx + 1, failure, remedy)

    def on_train_epoch_start(self) -> None:
        """See `on_train_batch_end`."""
        wait_for_all()

    def on_train_batch_end(self, *_: object) -> None:
        """Wait for the process that writes files: Lightning begins each step with a broadcast that may time out."""
        wait_for_all()

    @torch.no_grad()
    def on_train_end(self) -> None:
        """Measure the losses of the mean, which no step has evaluated."""
        if self.best.mean is not None:
            losses = self.views[-1].losses(self.encoder, self.best.mean)
            self.best.losses, _ = split_layers(_numbers(losses))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Of the picture alone."""
        return self.optimizer.build(self.image.parameters())

    def run_state(self) -> dict[str, Any]:
        """Everything that the next step depends on, between two steps."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        return {
            "parameters": list(self.image.parameters()),
            "optimizer": optimizer.state_dict(),
            "best": self.best.state_dict(),
            "policy": self._policy.state_dict(),
        }

    @torch.no_grad()
    def load_run_state(self, state: Mapping[str, Any]) -> None:
        """Go on from the state of a run of `schedule.done` steps; the optimizer follows when there is one.

        Raises:
            StateError: the state is of another picture, or damaged.
        """
        try:
            for parameter, stored in zip(self.image.parameters(), state["parameters"], strict=True):
                parameter.copy_(stored)
            self.best.load_state_dict(state["best"])
            self._policy.load_state_dict(state["policy"])
            self._optimizer_state = state["optimizer"]
        except UNFIT as error:
            raise StateError(error) from error

    def on_train_start(self) -> None:
        """Give the optimizer its part of a state that has been loaded."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        if self._optimizer_state is not None:
            try:
                optimizer.load_state_dict(self._optimizer_state)
            except UNFIT as error:
                raise StateError(error) from error
            self._optimizer_state = None


def _numbers(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """Scalars by name, in one copy from the device: each copy would wait for all that is queued there."""
    values: list[float] = torch.stack([value.detach().double() for value in losses.values()]).tolist()
    return dict(zip(losses, values, strict=True))
