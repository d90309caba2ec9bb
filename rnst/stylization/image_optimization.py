"""Painting as a LightningModule: the picture is the parameter, the network is frozen."""

import contextlib
import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from rnst.image.parameters import ImageParameter
from rnst.image.transforms import Transform
from rnst.optimization.averaging import RunningMean
from rnst.optimization.health import MOST_RESTARTS, DivergenceMonitor, Failure
from rnst.optimization.mean_losses import mean_losses
from rnst.optimization.optimizers import PixelOptimizer, ThriftyLBFGS, start_again

Features = Mapping[str, Tensor]

STEPS_OF_AN_AUGMENTATION = 15
_SHORTER = 0.3  # how much shorter the steps are after each failure

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AugmentedObjective:
    """The picture as the network sees it for a while.

    Attributes:
        transform: how the picture is put before the network.
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
        hold: steps before the next view; L-BFGS needs some with an objective that stands still.
        first_step: number of the first step in logs, for runs that go on from another.
        done: steps that were done before, by a run that was stopped.
    """

    steps: int
    hold: int = STEPS_OF_AN_AUGMENTATION
    first_step: int = 0
    done: int = 0


class ImageOptimization(pl.LightningModule):
    """Move a picture until its features are what an objective asks for.

    A run whose loss explodes, is no number, or stands still goes back to its best picture and on from there in float32,
    with shorter steps and a line search, and says so; after a few such restarts it ends with that picture.

    What is kept is the picture of lowest loss, or, where the optimizer averages, the running mean of all pictures; its
    losses are measured at the end, in the last view.

    Args:
        image: the only parameter that is trained.
        encoder: image (1, 3, H, W) in [0, 1] to layer -> features; frozen.
        views: the picture is optimized for one view after the other, for the last one to the end. What only pleases one
            position of the network's grid of strides, as a checkerboard does, is undone by the next view.
        optimizer: how the picture moves.
        schedule: when what happens.
        margin: pixels around the picture that are painted and never shown: the network's zero padding spoils them.
    """

    def __init__(
        self,
        image: ImageParameter,
        encoder: nn.Module,
        views: Sequence[AugmentedObjective],
        optimizer: PixelOptimizer,
        schedule: Schedule,
        margin: int = 0,
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
        self.first_losses: dict[str, float] = {}
        self.best_losses: dict[str, float] = {"total": math.inf}
        self.best_image: Tensor | None = None
        self.mean = RunningMean(optimizer.averaging) if optimizer.averages else None
        self._lowest = math.inf
        self._best_parameters = _copies(image)
        self._monitor = DivergenceMonitor(optimizer.descends)
        self._restarts = 0
        self._over = False

    def forward(self) -> Tensor:
        """The picture as it is now, (1, 3, H, W) in [0, 1], without its margin."""
        with torch.no_grad():
            mean = None if self.mean is None else self.mean.picture
            return self._shown(self.image() if mean is None else mean)

    def train_dataloader(self) -> Iterable[int]:
        """One item for each step; there is no data but the picture."""
        return range(self.schedule.done, self.schedule.steps)

    def on_train_batch_start(self, batch: int, batch_idx: int) -> int | None:  # noqa: ARG002 - a hook
        """A new view makes what L-BFGS remembers of the last evaluation untrue."""
        if self._over:
            return -1  # Lightning then ends the epoch
        if self._view(batch_idx) is not self._view(batch_idx - 1):
            if self.schedule.hold > 1:
                self._monitor.begin_anew()
            optimizer = self.optimizers(use_pl_optimizer=False)
            if isinstance(optimizer, ThriftyLBFGS):
                optimizer.objective_changed()
        return None

    def training_step(self, batch: int, batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
        """Loss of the picture; L-BFGS may call this several times in one step."""
        view = self._view(batch_idx)
        with torch.autocast(self.device.type, enabled=False) if self._restarts else contextlib.nullcontext():
            image = self.image()
            losses = view.losses(self.encoder, image)
        self.losses = {name: value.item() for name, value in losses.items()}
        self.first_losses = self.first_losses or self.losses
        self._keep(image)
        self.log("step", float(self.first_step + self.global_step))  # Lightning takes this as the step of the row
        self.log_dict({f"loss/{name}": value for name, value in self.losses.items()})
        return losses["total"]

    def _view(self, batch_idx: int) -> AugmentedObjective:
        turn = (self.schedule.done + batch_idx) // self.schedule.hold
        return self.views[min(turn, len(self.views) - 1)]

    def _keep(self, image: Tensor) -> None:
        total = self.losses["total"]
        if total < self._lowest:
            self._lowest, self._best_parameters = total, _copies(self.image)
        if self.mean is not None and math.isfinite(total):
            self.best_losses, self.best_image = self.losses, self._shown(self.mean.add(image))
        if self.mean is None and total < self.best_losses["total"]:
            self.best_losses, self.best_image = self.losses, self._shown(image)

    def on_train_end(self) -> None:
        """A mean has never been looked at before."""
        if self.mean is None or self.mean.picture is None:
            return
        with torch.no_grad():
            losses = self.views[-1].losses(self.encoder, self.mean.picture)
        self.best_losses = {name: value.item() for name, value in losses.items()}

    def on_train_batch_end(self, outputs: object, batch: int, batch_idx: int) -> None:  # noqa: ARG002 - a hook
        """Look whether the run still gets anywhere."""
        failure = self._monitor.observe(self.losses["total"])
        if failure is not None:
            self._start_again(failure, batch_idx + 1)

    def _start_again(self, failure: Failure, step: int) -> None:
        self._restarts += 1
        if failure is Failure.STALLED and self._restarts > 1:
            self._monitor.begin_anew()  # in float32 this is as low as it gets; the next view may go on
            return
        with torch.no_grad():
            for parameter, best in zip(self.image.parameters(), self._best_parameters, strict=True):
                parameter.copy_(best)
        if self.mean is not None:
            self.mean.begin_anew()
        if self._restarts > MOST_RESTARTS:
            _log.warning("step %d: %s again; ending with the best picture so far", self.first_step + step, failure)
            self._over = True
            return
        start_again(self.optimizers(use_pl_optimizer=False), 1.0 if failure is Failure.STALLED else _SHORTER)
        self._monitor.begin_anew()
        _log.warning(
            "step %d: %s; going on from the best picture, more carefully and in fp32", self.first_step + step, failure
        )

    def _shown(self, image: Tensor) -> Tensor:
        rows, columns = (slice(self.margin, side - self.margin) for side in image.shape[-2:])
        return image[..., rows, columns].detach()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The picture alone."""
        return self.optimizer.build(self.image.parameters())


def _copies(image: ImageParameter) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in image.parameters()]
