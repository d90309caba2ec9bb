"""Optimizers for pictures."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

_ADAM_BETAS = (0.9, 0.99)
_QUIET = 1e-3  # gradients below this share of the first ones' root mean square count as noise
_MOST_EVALUATIONS = 20


@dataclass(frozen=True)
class PixelOptimizer:
    """How the parameters of a picture move.

    Args:
        name: "lbfgs" (few steps, each of one or a few evaluations) or "adam".
        learning_rate: None takes 1 for L-BFGS and 0.05 for Adam.
        history: pairs of past steps that L-BFGS keeps; each costs twice the memory of the picture.
        line_search: L-BFGS looks for a step that lowers the loss enough (strong Wolfe conditions); without it, it takes
            the full quasi-Newton step, which is one evaluation but may climb.
        averaging: Adam's running mean of pictures keeps this share of the old ones; 0 takes no mean.
    """

    name: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float | None = None
    history: int = 10
    line_search: bool = True
    averaging: float = 0.0

    @property
    def averages(self) -> bool:
        """Whether the mean of the pictures is what is looked for."""
        return self.name == "adam" and self.averaging > 0

    @property
    def descends(self) -> bool:
        """Whether each step should lower the loss."""
        return self.name == "lbfgs" and self.line_search

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """An optimizer of `parameters`. One `step` of L-BFGS is one iteration; its history is kept between steps."""
        if self.name == "adam":
            return QuietAdam(parameters, lr=self.learning_rate or 0.05, betas=_ADAM_BETAS)
        return ThriftyLBFGS(
            parameters,
            lr=self.learning_rate or 1.0,
            max_iter=1,
            # torch shares this budget with the line search: its default of max_iter * 5 // 4 leaves the search no
            # evaluation at all, and the picture stands still for ever.
            max_eval=_MOST_EVALUATIONS,
            history_size=self.history,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe" if self.line_search else None,
        )


class QuietAdam(torch.optim.Adam):
    """torch's Adam, whose epsilon is a share of the first gradient's size instead of a number.

    Adam divides each gradient by its own size. Where a parameter has none to speak of, as the highest frequencies of a
    picture before a stem that blurs, that turns rounding into whole steps: colored grain, different on every machine
    and in every order of tiles. Pictures have gradients around 1e-4, so that the usual 1e-8 does not stop it.
    """

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """One step.

        Args:
            closure: zeroes the gradients, evaluates, back-propagates, returns the scalar loss.
        """
        with torch.enable_grad():
            loss = closure()
        if not self.state:
            gradient = parameters_to_vector(
                parameter.grad for parameter in self.param_groups[0]["params"] if parameter.grad is not None
            )
            size = gradient.square().mean().sqrt().item()
            self.param_groups[0]["eps"] = max(_QUIET * size, torch.finfo(gradient.dtype).tiny)
        super().step()
        return loss


class ThriftyLBFGS(torch.optim.LBFGS):
    """torch's L-BFGS, which does not evaluate the same point twice.

    Each `step` begins by evaluating the point where the last line search ended, and that search has just done so. Where
    the parameters are still the same, bit for bit, the loss is remembered and the gradients are still in place.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], **options: Any) -> None:
        super().__init__(parameters, **options)
        self._point: Tensor | None = None
        self._loss: Tensor | None = None

    def objective_changed(self) -> None:
        """Forget the last evaluation: the same parameters now have another loss."""
        self._loss = None

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """One iteration.

        Args:
            closure: zeroes the gradients, evaluates, back-propagates, returns the scalar loss.
        """
        evaluated = False

        def remembering() -> Tensor:
            nonlocal evaluated
            point = parameters_to_vector(self.param_groups[0]["params"]).detach()
            if self._loss is None or self._point is None or not torch.equal(point, self._point):
                self._loss = closure().detach()
                evaluated = True
                self._point = point.clone()
            return self._loss

        loss: Tensor = super().step(remembering)  # type: ignore[no-untyped-call]
        if not evaluated:  # a picture that stands still; Lightning wants the closure of each step to have run
            closure()
        return loss


def start_again(optimizer: Any, shorter: float) -> None:
    """Forget all past steps, take shorter ones and, with L-BFGS, search along each for one that descends; in place.

    Args:
        optimizer: a `torch.optim.Optimizer` as `PixelOptimizer` builds them.
        shorter: factor of the learning rate, in (0, 1].
    """
    optimizer.state.clear()
    for group in optimizer.param_groups:
        group["lr"] *= shorter
    if isinstance(optimizer, ThriftyLBFGS):
        optimizer.param_groups[0]["line_search_fn"] = "strong_wolfe"
        optimizer.objective_changed()
