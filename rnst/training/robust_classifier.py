"""Adversarial training as a LightningModule. The attack is injected; nothing here knows a norm."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy

from rnst.attacks.attack import Attack
from rnst.attacks.pgd import published_pgd
from rnst.data.facts import DataFacts
from rnst.encoders.catalog import build_classifier
from rnst.encoders.folded_network import FoldedNetwork
from rnst.encoders.initial import start_from
from rnst.encoders.weights.layouts import FACTS_KEY
from rnst.errors import InvalidValueError
from rnst.training.attack_sample import AttackSample
from rnst.training.classes import check_same_classes, with_classes
from rnst.training.losses import AdversarialLoss, TrainingLoss
from rnst.training.recipe import Recipe
from rnst.training.run_length import steps_of
from rnst.training.teacher import SoftLabels, Teacher, class_numbers, entropy

_SAMPLES = 8


class RobustClassifier(pl.LightningModule):
    """Minimize the loss of the worst image in a ball around each training image (Madry et al. 2018, equation 2.1).

    In each step the attack runs against the network in eval mode; then the optimizer takes one step with the network in
    train mode, along the gradient of a loss of the clean and the adversarial images. With a teacher, the labels of a
    batch are the teacher's probabilities. The attack maximizes and the step minimizes the cross-entropy with them: up
    to the teacher's own entropy, which no weight changes, this is KL(teacher || student). Accuracies then count how
    often the network agrees with the teacher's most probable class.

    Args:
        data: facts that the data module provides; the command line fills them in.
        attack: adversary of the training. Its radius is stated at the data's full image size; for smaller images
            (early stages) the radius is scaled by size / full size, which is the same strength per pixel.
        evaluation: adversary of validation and test. None: PGD of 20 steps in the ball of `attack`, each 2.5 radii / 20
            long, the protocol of the published tables.
        architecture: name of a torchvision classifier.
        recipe: optimizer and schedule.
        loss: training loss: adversarial training or TRADES, label smoothing, class weights.
        weights: weight file, or name that `rnst models` lists, to start from; the head is replaced if the classes
            differ. None: random weights.
        teacher: network that labels the photos and determines the classes. None: the labels of the data.
        radius_warmup_epochs: duration of the growth of the radius of `attack` from zero, in epochs or fractions of one.
    """

    def __init__(  # noqa: PLR0913 - one flat list of options is what the command line and the YAML show
        self,
        data: DataFacts,
        attack: Attack,
        evaluation: Attack | None = None,
        architecture: str = "resnet50",
        recipe: Recipe = Recipe(),
        loss: TrainingLoss = AdversarialLoss(),
        weights: str | None = None,
        teacher: Teacher | None = None,
        radius_warmup_epochs: float = 0.0,
    ) -> None:
        super().__init__()
        self.teacher = teacher
        self._soft_labels = None if teacher is None else SoftLabels(teacher)
        data = with_classes(data, self._soft_labels)
        loss.check(len(data.class_names))
        if not 0 <= radius_warmup_epochs < math.inf:
            raise InvalidValueError("model.radius_warmup_epochs", radius_warmup_epochs, "a finite number, 0 or more")
        attack.ball.check(data.image_size)
        self.attack = attack
        self.evaluation = evaluation or _published(attack)
        self.architecture = architecture
        self.recipe = recipe
        self.loss = loss
        self.radius_warmup_epochs = radius_warmup_epochs
        self.weights = weights
        network, self.data = _initial(architecture, weights, data)
        # Convolutions are fastest in the channels-last layout, on CPUs and on GPUs.
        self.network = network.to(memory_format=torch.channels_last)
        self._folded = FoldedNetwork(self.network)
        self.register_buffer("mean", torch.tensor(self.data.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(self.data.std).view(1, 3, 1, 1), persistent=False)
        classes = len(data.class_names)
        self.samples: list[AttackSample] = []
        self.clean_accuracy = MulticlassAccuracy(classes, average="micro")
        self.robust_accuracy = MulticlassAccuracy(classes, average="micro")

    mean: Tensor
    std: Tensor

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K) of images (N, 3, H, W) in [0, 1]."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits

    def labeled(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Images (N, 3, H, W) and their labels: class numbers (N,), or the teacher's probabilities (N, K).

        Args:
            batch: from the data module; with a teacher, its images are the third item, and the keys of fixed views
                the fourth.
        """
        images, labels, *for_teacher = batch
        return images, labels if self._soft_labels is None else self._soft_labels(*for_teacher)

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        """Loss of the batch under attack."""
        images, labels = self.labeled(batch)
        attack = self._grown_attack(batch_idx)
        adversarial = self._attacked(attack, images, labels)
        loss, logits = self.loss(lambda seen: self(seen).float() / self._temperature, images, adversarial, labels)
        loss = self._temperature**2 * (loss - entropy(labels))
        accuracy = (logits.argmax(1) == class_numbers(labels)).float().mean()
        self.log("train/loss", loss, prog_bar=True)
        self.log("train/accuracy_attacked", accuracy)
        self.log("train/radius", attack.scaled(images.shape[-1] / self.data.image_size).ball.radius)
        return loss

    def validation_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:
        """Count correct predictions, clean and under attack."""
        self._evaluate(batch, batch_idx, "val")

    def test_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:
        """Count correct predictions, clean and under attack."""
        self._evaluate(batch, batch_idx, "test")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer, and its schedule, advanced at every step."""
        optimizer = self.recipe.optimizer(self.network.parameters())
        scheduler = self.recipe.scheduler(optimizer, *steps_of(self.trainer))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def facts(self) -> dict[str, Any]:
        """The facts that a weight file records about this network, as plain values."""
        return {
            "architecture": self.architecture,
            "classes": list(self.data.class_names),
            "data": self.data.name,
            "image_size": self.data.image_size,
            "mean": list(self.data.mean),
            "std": list(self.data.std),
            "crop": self.data.crop,
            "attack": str(self.attack),
            "norm": self.attack.ball.norm,
            "radius": self.attack.ball.radius,
            "steps": getattr(self.attack, "steps", 0),
            "loss": str(self.loss),
            **({} if self.weights is None else {"started_from": Path(self.weights).name}),
            **({} if self.teacher is None else {"teacher": self.teacher.facts()}),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the state of a training of other classes.

        Raises:
            InvalidValueError: the classes differ.
        """
        check_same_classes(self.data, checkpoint.get(FACTS_KEY) or {})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the facts of an exported file too, so that a checkpoint can be evaluated and converted by itself."""
        checkpoint[FACTS_KEY] = self.facts()

    def accuracy_under(self, attack: Attack, images: Tensor, labels: Tensor) -> Tensor:
        """Accuracy of the network in eval mode on `images` (N, 3, H, W) under attack, a scalar; the mode is restored.

        Args:
            attack: its radius is stated at the data's full image size.
            images: in [0, 1].
            labels: (N,) class numbers, or (N, K) probabilities.
        """
        adversarial = self._attacked(attack, images, labels)
        was_training = self.network.training
        self.network.eval()
        try:
            with torch.no_grad():
                right: Tensor = self(adversarial).argmax(1) == class_numbers(labels)
                return right.float().mean()
        finally:
            self.network.train(was_training)

    def _grown_attack(self, batch_idx: int) -> Attack:
        """The attack of the training at the current radius of its warm-up."""
        if not self.radius_warmup_epochs:
            return self.attack
        epochs = self.current_epoch + (batch_idx + 1) / self.trainer.num_training_batches
        return self.attack.with_radius(self.attack.ball.radius * min(1.0, epochs / self.radius_warmup_epochs))

    def _evaluate(self, batch: tuple[Tensor, ...], batch_idx: int, split: str) -> None:
        if not len(batch[0]):  # none of its photos could be read
            return
        images, labels = self.labeled(batch)
        adversarial = self._attacked(self.evaluation, images, labels)
        labels = class_numbers(labels)
        clean, attacked = self(images), self(adversarial)
        if batch_idx == 0:
            self.samples = []
        if len(self.samples) < _SAMPLES:  # one of each batch: files are sorted by class, a batch may hold one
            answers = (labels[0], clean[0].argmax(), attacked[0].argmax())
            names = [self.data.class_names[int(answer)] for answer in answers]
            self.samples.append(AttackSample(images[:1].cpu(), adversarial[:1].cpu(), *names))
        for name, metric, logits in (
            ("clean", self.clean_accuracy, clean),
            ("attacked", self.robust_accuracy, attacked),
        ):
            metric(logits, labels)
            self._log_metric(f"{split}/accuracy_{name}", metric)

    def _log_metric(self, name: str, metric: Metric) -> None:
        self.log(name, metric, on_step=False, on_epoch=True, prog_bar=True)

    def _attacked(self, attack: Attack, images: Tensor, labels: Tensor) -> Tensor:
        """Adversarial images against the network in eval mode; the network's own mode does not change."""
        attack = attack.scaled(images.shape[-1] / self.data.image_size)
        device = images.device.type
        kernels = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        with self._folded.in_use(kernels) as network:
            return attack(lambda seen: network((seen - self.mean) / self.std) / self._temperature, images, labels)

    @property
    def _temperature(self) -> float:
        return 1.0 if self.teacher is None else self.teacher.temperature


def _published(attack: Attack) -> Attack:
    """The attack of the published tables in the ball of `attack`."""
    if not attack.ball.radius:
        raise InvalidValueError("model.evaluation", None, "given where the attack of the training has no radius")
    return published_pgd(attack.ball)


def _initial(architecture: str, weights: str | None, data: DataFacts) -> tuple[nn.Module, DataFacts]:
    """The network at the start of the training, and facts with the normalization that its weights require."""
    network = build_classifier(architecture, len(data.class_names))
    if weights is None:
        return network, data
    facts = start_from(network, weights, data.class_names)
    return network, replace(data, mean=tuple(facts.get("mean", data.mean)), std=tuple(facts.get("std", data.std)))
