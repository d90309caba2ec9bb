"""Attack losses: one value for each image, which the adversary maximizes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from rnst.attacks.attack import Model

_TINY = 1e-12  # an output of zeros has no length


@dataclass(frozen=True)
class AttackLoss(ABC):
    """One value for each image; the higher, the better for the adversary.

    Attributes:
        flat_at_image: the gradient vanishes at the image itself, so the attack must start at another point.
    """

    flat_at_image: ClassVar[bool] = False

    @abstractmethod
    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
        """Compute once what all steps on a batch share.

        Args:
            model: images (N, 3, H, W) in [0, 1] to logits (N, K).
            images: (N, 3, H, W) in [0, 1], before the attack.
            labels: (N,) class numbers, or (N, K) probabilities.

        Returns:
            Function from logits (N, K) of attacked images, float32 or float64, to losses (N,).
        """


@dataclass(frozen=True)
class CrossEntropy(AttackLoss):
    """Cross-entropy with the given label: an untargeted attack (Madry et al. 2018, equation 2.1)."""

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Cross-entropy with `labels`."""
        return lambda logits: F.cross_entropy(logits, labels, reduction="none")


@dataclass(frozen=True)
class TargetedCrossEntropy(AttackLoss):
    """Negative cross-entropy: a targeted attack, for which the caller passes the target classes as labels."""

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Negative cross-entropy with `labels`, the target classes."""
        return lambda logits: -F.cross_entropy(logits, labels, reduction="none")


@dataclass(frozen=True)
class CleanDivergence(AttackLoss):
    """KL divergence from the output for the clean image, without labels (TRADES: Zhang et al. 2019, equation 5)."""

    flat_at_image = True

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Divergence from the outputs for `images`, which are computed here, once, without a graph."""
        with torch.no_grad():
            clean = in_float(model(images))
        return lambda logits: divergence(clean, logits)


@dataclass(frozen=True)
class RelativeChange(AttackLoss):
    """Change of the output relative to the norm of the clean output; labels are not used.

    The outputs may be the features of a layer: the attack then finds the largest change of a representation within the
    ball, relative to the norm of the clean one as in the inversions of Engstrom et al. 2019 (arXiv:1906.00945).
    """

    flat_at_image = True

    def prepared(self, model: Model, images: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:  # noqa: ARG002
        """Distance from the outputs for `images`, which are computed here, once, without a graph."""
        with torch.no_grad():
            clean = in_float(model(images))
        return lambda answers: relative_change(clean, answers)


def relative_change(clean: Tensor, changed: Tensor) -> Tensor:
    """Euclidean norm of the difference divided by that of `clean`, for each of the outputs (N, ...): (N,)."""
    length = torch.linalg.vector_norm(clean.flatten(1), dim=1).clamp_min(_TINY)
    change: Tensor = torch.linalg.vector_norm((changed - clean).flatten(1), dim=1) / length
    return change


def divergence(clean: Tensor, attacked: Tensor) -> Tensor:
    """Kullback-Leibler divergence KL(clean || attacked) of each image, (N,), from logits (N, K); both get gradients."""
    terms = F.kl_div(attacked.log_softmax(1), clean.log_softmax(1), reduction="none", log_target=True)
    return terms.sum(1)


def in_float(logits: Tensor) -> Tensor:
    """Convert logits of autocast to float32; float64 does not change."""
    return logits if logits.dtype == torch.float64 else logits.float()
