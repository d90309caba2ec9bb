"""Soft labels: the probabilities that a frozen network gives to the classes of an image before the attack."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnst.data.class_names import class_names
from rnst.data.imagenet import IMAGENET
from rnst.encoders.classifier import load_classifier
from rnst.encoders.folded_network import FoldedNetwork
from rnst.errors import InvalidValueError


@dataclass(frozen=True)
class Teacher:
    """A network whose answers are learned (knowledge distillation: Hinton et al. 2015, section 2).

    Args:
        network: a name that `rnst models` lists, timm/NAME, or a weight file that names its architecture.
        weights: weight file for `network`; None takes the network's own.
        image_size: side in pixels at which it receives the student's crop, before the attack.
        temperature: both networks' logits are divided by it; the higher, the more the small probabilities count. The
            loss is multiplied by its square, so that gradients keep their size.
    """

    network: str
    weights: str | None = None
    image_size: int = 224
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse sizes and temperatures that mean nothing."""
        if self.image_size < 1:
            raise InvalidValueError("model.teacher.image_size", self.image_size, "at least 1")
        if self.temperature <= 0:
            raise InvalidValueError("model.teacher.temperature", self.temperature, "more than 0")

    def facts(self) -> dict[str, Any]:
        """What a weight file records: plain values only."""
        network = Path(self.network).name if Path(self.network).is_file() else self.network
        weights = None if self.weights is None else Path(self.weights).name
        return {
            "network": network,
            "weights": weights,
            "image_size": self.image_size,
            "temperature": self.temperature,
        }


class SoftLabels:
    """A loaded teacher.

    It is no module, so that a task may keep it beside its network: it has nothing to train, to save or to synchronize.

    Args:
        teacher: which network.

    Raises:
        RnstError: its weights cannot be read, or do not fit.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._temperature = teacher.temperature
        architecture = teacher.network if teacher.weights else None
        self._classifier, facts = load_classifier(teacher.weights or teacher.network, architecture=architecture)
        self._classifier.requires_grad_(requires_grad=False)
        self._folded = FoldedNetwork(self._classifier)
        classes = tuple(facts.get("classes") or ())
        if not classes:
            logits = facts["logits"]
            classes = tuple(IMAGENET) if logits == len(IMAGENET) else class_names(None, logits)
        self.class_names: tuple[str, ...] = classes

    def __call__(self, images: Tensor) -> Tensor:
        """Probabilities (N, K) of images (N, 3, S, S) in [0, 1], float32, on the images' device, without a graph."""
        device = images.device.type
        kernels = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        self._classifier.to(images.device)
        with torch.no_grad(), self._folded.in_use(kernels) as network:
            logits: Tensor = network(images).float()
            return (logits / self._temperature).softmax(1)


def class_numbers(labels: Tensor) -> Tensor:
    """Class numbers (N,) of labels that are class numbers already, or probabilities (N, K): the most probable one."""
    return labels if labels.dim() == 1 else labels.argmax(1)


def entropy(labels: Tensor) -> Tensor:
    """Mean entropy of probabilities (N, K), a scalar; class numbers have none."""
    return torch.zeros(()).to(labels.device) if labels.dim() == 1 else torch.special.entr(labels).sum(1).mean()
