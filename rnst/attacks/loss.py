"""What the adversary wants: losses of the single image that an attack drives up."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from rnst.attacks.attack import Model

_TINY = 1e-12  # an answer of nothing but zeros has no length


@dataclass(frozen=True)
class AttackLoss(ABC):
    """One number for each image; the higher, the better for the adversary.

    Attributes:
        flat_at_image: the gradient vanishes at the image itself, so an attack must start beside it.
    """

    flat_at_image: ClassVar[bool] = False

    @abstractmethod
    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
        """Do once for a batch what needs to be done once.

        Args:
            model: images (N, 3, H, W) in [0, 1] to logits (N, K).
            images: (N, 3, H, W) in [0, 1], before the attack.
            labels: (N,) class numbers, or (N, K) probabilities.

        Returns:
            Logits (N, K) of attacked images, float32 or float64, to losses (N,).
        """


@dataclass(frozen=True)
class CrossEntropy(AttackLoss):
    """Any class but the given label (Madry et al. 2018, equation 2.1)."""

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Cross-entropy against `labels`."""
        return lambda logits: F.cross_entropy(logits, labels, reduction="none")


@dataclass(frozen=True)
class TargetedCrossEntropy(AttackLoss):
    """The class that the label names: the caller passes the classes that the adversary wants to see."""

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Cross-entropy against the classes wanted, with its sign turned."""
        return lambda logits: -F.cross_entropy(logits, labels, reduction="none")


@dataclass(frozen=True)
class CleanDivergence(AttackLoss):
    """Any answer but the one to the clean image; labels are not looked at (TRADES: Zhang et al. 2019, equation 5)."""

    flat_at_image = True

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Divergence from the answers to `images`, which are computed here, once, without a graph."""
        with torch.no_grad():
            clean = in_float(model(images))
        return lambda logits: divergence(clean, logits)


@dataclass(frozen=True)
class RelativeChange(AttackLoss):
    """Any other answer than the one to the clean image, by its length; labels are not looked at.

    The answers may be features of a layer: what is found is the largest change of a representation that the ball allows
    (as the inversions of Engstrom et al. 2019, arXiv:1906.00945, measure it: relative to the length of the clean one).
    """

    flat_at_image = True

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Distance from the answers to `images`, which are computed here, once, without a graph."""
        with torch.no_grad():
            clean = in_float(model(images))
        return lambda answers: relative_change(clean, answers)


def relative_change(clean: Tensor, changed: Tensor) -> Tensor:
    """Euclidean length of the difference over that of `clean`, for each of the answers (N, ...): (N,)."""
    length = torch.linalg.vector_norm(clean.flatten(1), dim=1).clamp_min(_TINY)
    change: Tensor = torch.linalg.vector_norm((changed - clean).flatten(1), dim=1) / length
    return change


def divergence(clean: Tensor, attacked: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(clean || attacked) of each image, (N,), from logits (N, K); both get gradients."""
    terms = F.kl_div(attacked.log_softmax(1), clean.log_softmax(1), reduction="none", log_target=True)
    return terms.sum(1)


def in_float(logits: Tensor) -> Tensor:
    """Logits of autocast in float32; float64 stays what it is."""
    return logits if logits.dtype == torch.float64 else logits.float()
