"""AutoAttack through pyautoattack: four attacks in sequence, without settings to tune."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rnst.attacks.attack import Attack, Model, weights_frozen
from rnst.attacks.loss import in_float
from rnst.errors import InvalidValueError, MissingExtraError

_NORMS = {"l2": "L2", "linf": "Linf"}
_STANDARD = ("apgd-ce", "apgd-t", "fab-t", "square")
_FEWEST_CLASSES = 4  # the targeted loss compares four logits
_MOST_TARGETS = 9


@dataclass(frozen=True)
class AutoAttack(Attack):
    """The standard ensemble of Croce and Hein 2020 (arXiv:2003.01690), used by the RobustBench tables.

    An image that one attack of the ensemble has changed to another class is not passed to the next one. The cost is
    about a hundred times that of PGD-20.

    Args:
        ball: allowed perturbations.
        seed: seed of all random draws.
        attacks: attacks of the ensemble, in order.
        steps: steps of each gradient attack.
        queries: queries of the attack without gradients.
    """

    seed: int = 0
    attacks: tuple[str, ...] = _STANDARD
    steps: int = 100
    queries: int = 5000

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        """Attack `model`; see `Attack`. Images on which no attack succeeds are returned unchanged.

        Raises:
            MissingExtraError: pyautoattack is not installed.
            InvalidValueError: the norm is not supported, or there are fewer than four classes.
        """
        with torch.inference_mode(mode=False), torch.enable_grad(), weights_frozen(model):
            images, labels = images.detach().clone(memory_format=torch.contiguous_format), labels.clone()

            def logits(seen: Tensor) -> Tensor:
                return in_float(model(seen))

            with torch.no_grad():
                classes = logits(images[:1]).shape[1]
            attack = self._prepared(logits, classes, images.device)
            adversarial: Tensor = attack.run_standard_evaluation(images, labels, batch_size=len(images))[0]
            return adversarial.detach()

    def _prepared(self, logits: Model, classes: int, device: torch.device) -> Any:
        package = require_pyautoattack()
        if self.ball.norm not in _NORMS:
            raise InvalidValueError("the norm of AutoAttack", self.ball.norm, " or ".join(_NORMS))
        if classes < _FEWEST_CLASSES:
            raise InvalidValueError("the number of classes", classes, f"at least {_FEWEST_CLASSES} for AutoAttack")
        attack = package.AutoAttack(
            logits,
            attacks=list(self.attacks),
            norm=_NORMS[self.ball.norm],
            eps=self.ball.radius,
            seed=self.seed,
            version="custom",
            device=device,
        )
        # The values of version="standard", also for fewer than ten classes: that version assumes nine targets.
        targets = min(_MOST_TARGETS, classes - 1)
        attack.apgd.n_restarts = attack.fab.n_restarts = attack.apgd_targeted.n_restarts = 1
        attack.apgd_targeted.n_target_classes = attack.fab.n_target_classes = targets
        attack.apgd.n_iter = attack.fab.n_iter = attack.apgd_targeted.n_iter = self.steps
        attack.square.n_queries = self.queries
        return attack


def require_pyautoattack() -> Any:
    """Import and return the package.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        import pyautoattack
    except ImportError as error:
        raise MissingExtraError("AutoAttack", "autoattack") from error
    return pyautoattack
