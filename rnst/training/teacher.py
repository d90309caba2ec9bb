"""Soft labels: class probabilities that a frozen network predicts for an image before the attack."""

import math
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
    """A network whose predictions are the labels (knowledge distillation: Hinton et al. 2015, section 2).

    Args:
        network: a name that `rnst models` lists, timm/NAME, or a weight file that names its architecture.
        weights: weight file for `network`; None takes the network's own.
        image_size: side in pixels at which the teacher receives the student's crop, before the attack.
        temperature: divisor of both networks' logits; the higher, the more the small probabilities count. The loss is
            multiplied by its square, so that the size of gradients does not change.
    """

    network: str
    weights: str | None = None
    image_size: int = 224
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse sizes and temperatures out of range."""
        if self.image_size < 1:
            raise InvalidValueError("model.teacher.image_size", self.image_size, "at least 1")
        if not 0 < self.temperature < math.inf:
            raise InvalidValueError("model.teacher.temperature", self.temperature, "more than 0")

    def facts(self) -> dict[str, Any]:
        """The facts that a weight file records, as plain values."""
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

    The class is not a module, so that a task can hold it next to its network: nothing in it is trained, saved or
    synchronized. Probabilities of images that have a key are kept in main memory, in float16: 2 kilobytes for each
    image and a thousand classes.

    Args:
        teacher: network and settings.

    Raises:
        RnstError: the weights cannot be read, or do not fit.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._temperature = teacher.temperature
        self._known: dict[int, Tensor] = {}
        architecture = teacher.network if teacher.weights else None
        self._classifier, facts = load_classifier(teacher.weights or teacher.network, architecture=architecture)
        self._classifier.requires_grad_(requires_grad=False)
        self._folded = FoldedNetwork(self._classifier)
        classes = tuple(facts.get("classes") or ())
        if not classes:
            logits = facts["logits"]
            classes = tuple(IMAGENET) if logits == len(IMAGENET) else class_names(None, logits)
        self.class_names: tuple[str, ...] = classes

    def __call__(self, images: Tensor, keys: Tensor | None = None) -> Tensor:
        """Probabilities (N, K) of images, float32, on the images' device, without a graph.

        Args:
            images: (N, 3, S, S) in [0, 1].
            keys: (N,) whole numbers; images of one key are the same. None: every image is new.
        """
        if keys is None:
            return self._predicted(images)
        wanted = keys.tolist()
        new = [index for index, key in enumerate(wanted) if key not in self._known]
        if new:
            predicted = self._predicted(images[new]).half().cpu()
            self._known |= {wanted[index]: row for index, row in zip(new, predicted, strict=True)}
        return torch.stack([self._known[key].float() for key in wanted]).to(images.device)

    def _predicted(self, images: Tensor) -> Tensor:
        """Probabilities (N, K) in float32."""
        device = images.device.type
        kernels = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        self._classifier.to(images.device)
        with torch.no_grad(), self._folded.in_use(kernels) as network:
            logits: Tensor = network(images).float()
            return (logits / self._temperature).softmax(1)


def class_numbers(labels: Tensor) -> Tensor:
    """Class numbers (N,) of labels: unchanged if they are class numbers, the most probable class of (N, K)."""
    return labels if labels.dim() == 1 else labels.argmax(1)


def entropy(labels: Tensor) -> Tensor:
    """Mean entropy of probabilities (N, K), a scalar; 0 for class numbers."""
    return torch.zeros(()).to(labels.device) if labels.dim() == 1 else torch.special.entr(labels).sum(1).mean()
