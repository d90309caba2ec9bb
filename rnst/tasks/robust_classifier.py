"""Adversarial training as a LightningModule. The attack is injected; nothing here knows a norm."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from rnst.attacks.attack import Attack
from rnst.data.datamodules import DataFacts
from rnst.encoders.catalog import build_classifier
from rnst.encoders.twin import Twin
from rnst.tasks.recipe import Recipe

_SAMPLES = 8


class RobustClassifier(pl.LightningModule):
    """Minimize the loss of the worst image in a ball around each training image (Madry et al. 2018, equation 2.1).

    One step: the attack runs against the network as it is in eval mode, then the network takes one train-mode step on
    the adversarial images alone, so batch statistics come from them.

    Args:
        data: what the data module knows of its photos; the command line fills it in.
        attack: adversary of the training. Its radius is stated at the data's full image size; batches of smaller
            images (early stages) are attacked with the radius scaled by size / full size, the same strength per pixel.
        evaluation: adversary of validation and test.
        architecture: name of a torchvision classifier.
        recipe: optimizer and schedule.
        label_smoothing: share of the target that is spread over all classes.
    """

    def __init__(
        self,
        data: DataFacts,
        attack: Attack,
        evaluation: Attack,
        architecture: str = "resnet50",
        recipe: Recipe = Recipe(),
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.data = data
        self.attack = attack
        self.evaluation = evaluation
        self.architecture = architecture
        self.recipe = recipe
        self.label_smoothing = label_smoothing
        # Channels last is the layout in which convolutions are fastest, on CPUs and on GPUs.
        network = build_classifier(architecture, len(data.class_names))
        self.network = network.to(memory_format=torch.channels_last)
        self._twin = Twin(self.network)
        self.register_buffer("mean", torch.tensor(data.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(data.std).view(1, 3, 1, 1), persistent=False)
        classes = len(data.class_names)
        self.samples: list[tuple[Tensor, Tensor]] = []
        self.clean_accuracy = MulticlassAccuracy(classes, average="micro")
        self.robust_accuracy = MulticlassAccuracy(classes, average="micro")

    mean: Tensor
    std: Tensor

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W) in [0, 1]."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
        """Loss of the adversarial images."""
        images, labels = batch
        adversarial = self._attacked(self.attack, images, labels)
        logits = self(adversarial).float()
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        accuracy = (logits.argmax(1) == labels).float().mean()
        self.log("train/loss", loss, prog_bar=True)
        self.log("train/accuracy_attacked", accuracy)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Count right answers, clean and under attack."""
        self._evaluate(batch, batch_idx, "val")

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Count right answers, clean and under attack."""
        self._evaluate(batch, batch_idx, "test")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The recipe, its schedule advanced at every step."""
        optimizer = self.recipe.optimizer(self.network.parameters())
        total_steps = int(self.trainer.estimated_stepping_batches)
        scheduler = self.recipe.scheduler(optimizer, total_steps, max(1, self.trainer.max_epochs or 1))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def facts(self) -> dict[str, Any]:
        """What a weight file records of this network: plain values only."""
        return {
            "architecture": self.architecture,
            "classes": list(self.data.class_names),
            "data": self.data.name,
            "image_size": self.data.image_size,
            "mean": list(self.data.mean),
            "std": list(self.data.std),
            "attack": str(self.attack),
            "norm": self.attack.ball.norm,
            "radius": self.attack.ball.radius,
            "steps": getattr(self.attack, "steps", 0),
        }

    def _evaluate(self, batch: tuple[Tensor, Tensor], batch_idx: int, split: str) -> None:
        images, labels = batch
        adversarial = self._attacked(self.evaluation, images, labels)
        self._keep_sample(images, adversarial, first=batch_idx == 0)
        for name, metric, seen in (
            ("clean", self.clean_accuracy, images),
            ("attacked", self.robust_accuracy, adversarial),
        ):
            metric(self(seen), labels)
            self._log_metric(f"{split}/accuracy_{name}", metric)

    def _keep_sample(self, images: Tensor, adversarial: Tensor, *, first: bool) -> None:
        """Keep one (photo, attacked photo) of each batch: files are sorted by class, a batch may hold one."""
        if first:
            self.samples = []
        if len(self.samples) < _SAMPLES:
            self.samples.append((images[:1].cpu(), adversarial[:1].cpu()))

    def _log_metric(self, name: str, metric: Metric) -> None:
        self.log(name, metric, on_step=False, on_epoch=True, prog_bar=True)

    def _attacked(self, attack: Attack, images: Tensor, labels: Tensor) -> Tensor:
        """Adversarial images, made against the network as it is in eval mode; the network itself is not touched."""
        attack = attack.scaled(images.shape[-1] / self.data.image_size)
        device = images.device.type
        kernels = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        network = self._twin.refreshed(kernels)
        return attack(lambda seen: network((seen - self.mean) / self.std), images, labels)
