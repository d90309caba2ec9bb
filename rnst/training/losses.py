"""Training losses of a batch and of the same batch under attack."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from rnst.attacks.loss import divergence
from rnst.errors import InvalidValueError

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class TrainingLoss(ABC):
    """One scalar for a batch, from its clean and its adversarial images.

    The attack has run before, against the network in eval mode. The network is passed in train mode: each forward pass
    normalizes by the statistics of its own batch and updates the running ones.

    Args:
        label_smoothing: share of the target that is spread over all classes.
        class_weights: one weight for each class, applied to its photos; the mean is taken over photos, not over
            weights, so a batch split over devices gives the same gradient. None: all classes count alike.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse an invalid share."""
        if not 0 <= self.label_smoothing < 1:
            raise InvalidValueError("loss.label_smoothing", self.label_smoothing, "0 or more and less than 1")

    @abstractmethod
    def __call__(self, network: Network, images: Tensor, adversarial: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of the batch, and the logits (N, K) of its adversarial images.

        Args:
            network: images (N, 3, H, W) in [0, 1] to logits (N, K), float32.
            images: (N, 3, H, W) in [0, 1].
            adversarial: the same images after the attack.
            labels: (N,) class numbers, or (N, K) probabilities.
        """

    def check(self, classes: int) -> None:
        """Refuse class weights whose number is not `classes`."""
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise InvalidValueError("model.loss.class_weights", self.class_weights, f"{classes} numbers")

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        weights = None if self.class_weights is None else logits.new_tensor(self.class_weights)
        losses = F.cross_entropy(logits, labels, weight=weights, label_smoothing=self.label_smoothing, reduction="none")
        return losses.mean()


@dataclass(frozen=True)
class AdversarialLoss(TrainingLoss):
    """Cross-entropy of the adversarial images alone (Madry et al. 2018, equation 2.1).

    There is one forward pass: batch statistics come from adversarial images, as in the `robustness` library. With the
    attack `NoAttack` this is standard training.
    """

    def __call__(self, network: Network, images: Tensor, adversarial: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """See `TrainingLoss`; the clean images are not used."""
        logits = network(adversarial)
        return self._cross_entropy(logits, labels), logits


@dataclass(frozen=True)
class TradesLoss(TrainingLoss):
    """Cross-entropy of the clean images, plus `beta` times the divergence that the attack causes (TRADES).

    Zhang et al. 2019, equation 5, with KL(clean || attacked) in both places: here, with gradients through both outputs,
    and in the attack, if its loss is `rnst.attacks.loss.CleanDivergence` (it computes the clean output once, in eval
    mode, without a graph); an attack of the labels' cross-entropy makes this a variant of TRADES. As in the authors'
    program there are two forward passes in train mode, clean then adversarial: each is normalized by its own
    statistics, and both update the running ones. We depart from the authors in the start of the attack: uniform in the
    ball instead of a small normal step.

    Args:
        label_smoothing: see `TrainingLoss`; for the clean images.
        class_weights: see `TrainingLoss`; for the clean images.
        beta: weight of robustness against clean accuracy, 6 in the paper's tables.
    """

    beta: float = 6.0

    def __call__(self, network: Network, images: Tensor, adversarial: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """See `TrainingLoss`."""
        clean, attacked = network(images), network(adversarial)
        change = divergence(clean, attacked).mean()
        return self._cross_entropy(clean, labels) + self.beta * change, attacked
