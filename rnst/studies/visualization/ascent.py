"""Gradient ascent on an activation: shared by all priors, so that pictures differ by the priors alone."""

from collections.abc import Sequence

import pytorch_lightning as pl
import torch
from torch import Tensor

from rnst import machine
from rnst.attacks.ball import Ball, L2Ball
from rnst.attacks.loss import AttackLoss
from rnst.attacks.pgd import PGD
from rnst.encoders.observed import Waking
from rnst.image.color import DecorrelatedColor, ImageColor, PlainColor
from rnst.image.parameters import FourierImage, ImageParameter, PixelImage
from rnst.image.transforms import Shift, Transform, draw_placements
from rnst.losses.activations import Activation, minimized
from rnst.optimization.optimizers import PixelOptimizer
from rnst.optimization.prior_ball import PriorBall
from rnst.studies.visualization.settings import VisualizationSettings, parts_of
from rnst.stylization.fitting import fit
from rnst.stylization.image_optimization import AugmentedObjective, ImageOptimization, Schedule

_GRAY = 0.5  # around transformed pictures, as in lucid


class Answer(AttackLoss):
    """Use the output of the model as the loss of an attack."""

    def prepared(self, model: object, images: Tensor, labels: Tensor) -> "Answer":  # noqa: ARG002 - nothing to prepare
        """Return the loss itself."""
        return self

    def __call__(self, values: Tensor) -> Tensor:
        """Return values (N,) unchanged."""
        return values


def ascend(
    network: Waking, activation: Activation, start: Tensor, settings: VisualizationSettings, priors: str
) -> Tensor:
    """Optimize pictures and return them after the last step.

    Args:
        network: frozen.
        activation: values (N,) of the features of the batch.
        start: (N, 3, H, W) in [0, 1].
        settings: optimizer, steps and their length.
        priors: row of the sheet.

    Returns:
        (N, 3, H, W) in [0, 1], on the device of `start`.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    network.begin_anew(climbing=settings.optimizer == "pgd")
    transforms: Sequence[Transform] = [Shift()]
    if "transforms" in parts_of(priors):
        transforms = draw_placements(settings.steps, settings.seed, outside=_GRAY)
    optimize = _by_steps if settings.optimizer == "pgd" else _by_adam
    return optimize(network, activation, start, settings, (parts_of(priors), transforms))


_Prior = tuple[frozenset[str], Sequence[Transform]]


def _by_steps(
    network: Waking, activation: Activation, start: Tensor, settings: VisualizationSettings, prior: _Prior
) -> Tensor:
    parts, transforms = prior
    ball: Ball = L2Ball(settings.radius)
    if parts & {"fourier", "colors"}:
        decay = settings.fourier_decay if "fourier" in parts else None
        ball = PriorBall(settings.radius, decay, DecorrelatedColor().matrix if "colors" in parts else None)
    turns = iter([*transforms] * (settings.steps if len(transforms) == 1 else 1))

    def values(images: Tensor) -> Tensor:
        return activation(network(next(turns)(images)))

    attack = PGD(ball, settings.steps, settings.length, keep_best=False, loss=Answer())
    return attack(values, start, torch.zeros(len(start), device=start.device))


def _by_adam(
    network: Waking, activation: Activation, start: Tensor, settings: VisualizationSettings, prior: _Prior
) -> Tensor:
    parts, transforms = prior
    color: ImageColor = DecorrelatedColor() if "colors" in parts else PlainColor()
    parameters: ImageParameter = PixelImage.from_image(start, color=color)
    if "fourier" in parts:
        parameters = FourierImage.from_image(start, settings.fourier_decay, color=color)
    task = ImageOptimization(
        parameters,
        network,
        [AugmentedObjective(transform, minimized(activation)) for transform in transforms],
        PixelOptimizer("adam", settings.length),
        Schedule(settings.steps, hold=1),
    )
    trainer = pl.Trainer(
        max_epochs=1,
        accelerator=machine.accelerator(start.device),
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    if not fit(trainer, task):
        raise KeyboardInterrupt
    finished: Tensor = task().to(start.device)
    network.to(start.device)  # Lightning leaves a module and all that it holds on the CPU
    return finished
