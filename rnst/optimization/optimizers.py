"""Optimizers for pictures."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

_ADAM_BETAS = (0.9, 0.99)
_QUIET = 1e-3  # gradients below this share of the first ones' root mean square count as noise
_MOST_EVALUATIONS = 20
_LOSSES_IN_VIEW = 10
_FIRST_STEP = 0.01  # root mean square; parameters are in units of a picture's range, 0 to 1


@dataclass(frozen=True)
class PixelOptimizer:
    """How the parameters of a picture move.

    Args:
        name: "lbfgs" (few steps, each of one or a few evaluations) or "adam".
        learning_rate: factor of each step; 1 is usual with L-BFGS, and 0.05 with Adam.
        history: pairs of past steps that L-BFGS keeps; each costs twice the memory of the picture.
        line_search: L-BFGS looks for a step that stays below the highest of its last ten losses (strong Wolfe
            conditions); without it, it takes the full quasi-Newton step, which is one evaluation but may climb.
        averaging: Adam's running mean of pictures keeps this share of the old ones; 0 takes no mean.
    """

    name: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 1.0
    history: int = 10
    line_search: bool = True
    averaging: float = 0.0

    @property
    def averages(self) -> bool:
        """Whether the mean of the pictures is what is looked for."""
        return self.name == "adam" and self.averaging > 0

    @property
    def descends(self) -> bool:
        """Whether steps should lower the loss, if not each of them."""
        return self.name == "lbfgs" and self.line_search

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """An optimizer of `parameters`. One `step` of L-BFGS is one iteration; its history is kept between steps."""
        if self.name == "adam":
            return QuietAdam(parameters, lr=self.learning_rate, betas=_ADAM_BETAS)
        return ThriftyLBFGS(
            parameters,
            lr=self.learning_rate,
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
    """torch's L-BFGS, which evaluates less.

    Each `step` begins by evaluating the point where the last line search ended, and that search has just done so. Where
    the parameters are still the same, bit for bit, the loss is remembered and the gradients are still in place.

    A line search asks for a loss below the highest of the last ten, not below the last (Grippo, Lampariello and Lucidi
    1986): near the end a step gains less than what rounding to bfloat16 adds to the loss, and a search for descent then
    evaluates again and again without getting anywhere, where the full step would have gone on.

    The first line search begins with a step that can be seen. torch divides the gradient by the sum of its magnitudes,
    which moves a million pixels by a millionth each, and takes several evaluations to get away from there.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], **options: Any) -> None:
        super().__init__(parameters, **options)
        self._last: tuple[Tensor, Tensor] | None = None  # the point that was evaluated last, and its loss
        self._outdated: Tensor | None = None

    def state_dict(self) -> dict[str, Any]:
        """With what is known of the parameters as they are, so that it need not be evaluated again."""
        state: dict[str, Any] = super().state_dict()
        loss = self._known_loss()
        if loss is not None:
            state["evaluated"] = [loss, *(parameter.grad for parameter in self.param_groups[0]["params"])]
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; the parameters are those of that moment."""
        super().load_state_dict({name: value for name, value in state.items() if name != "evaluated"})
        self._last = self._outdated = None
        if "evaluated" not in state:
            return
        loss, *gradients = state["evaluated"]
        for parameter, gradient in zip(self.param_groups[0]["params"], gradients, strict=True):
            parameter.grad = gradient.to(parameter.device, copy=True)
        self._last = self._parameters(), loss.to(parameter.device)

    def objective_changed(self) -> None:
        """Forget the last evaluation: the same parameters now have another loss, and another gradient."""
        if self.state and self._known_loss() is not None:  # a search may end where it did not look last
            self._outdated = self._gradient()
        self._last = None
        if self.state:
            self._own_state["losses"] = []

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """One iteration.

        Args:
            closure: zeroes the gradients, evaluates, back-propagates, returns the scalar loss.
        """
        evaluated = False

        def remembering() -> Tensor:
            nonlocal evaluated
            loss = self._known_loss()
            if loss is None:
                point = self._parameters()
                loss, evaluated = closure().detach(), True
                self._last = point, loss
            return loss

        if self._outdated is not None:
            self._compare_within_one_objective(remembering, self._outdated)
            self._outdated = None
        with torch.enable_grad():
            loss = remembering()
        with self._first_length():
            super().step(self._with_patience(remembering, loss))  # type: ignore[no-untyped-call]
        if not evaluated:  # a picture that stands still; Lightning wants the closure of each step to have run
            closure()
        return loss

    def _with_patience(self, closure: Callable[[], Tensor], loss: Tensor) -> Callable[[], Tensor]:
        """Let torch, which asks for the starting point first, take the highest of the last losses for that of it."""
        losses = self._own_state["losses"] = [*self._own_state.get("losses", ()), loss.item()][-_LOSSES_IN_VIEW:]
        first = [loss.new_tensor(max(losses))]
        return lambda: first.pop() if first else closure()

    @contextmanager
    def _first_length(self) -> Iterator[None]:
        """Have the first step with a line search try `_FIRST_STEP` times the learning rate; gradients are in place."""
        group = self.param_groups[0]
        if "n_iter" in self._own_state or group["line_search_fn"] is None:
            yield
            return
        gradient = self._gradient()
        size = gradient.square().mean().sqrt().item()
        usual = min(1.0, 1.0 / max(gradient.abs().sum().item(), torch.finfo(gradient.dtype).tiny))
        rate = group["lr"]
        group["lr"] = rate * _FIRST_STEP / size / usual if size > 0 and math.isfinite(size) else rate
        try:
            yield
        finally:
            group["lr"] = rate

    def _compare_within_one_objective(self, closure: Callable[[], Tensor], outdated: Tensor) -> None:
        """Let the curvature of the last step be what it was then.

        torch takes it from the difference of the gradients at both ends of a step, and would now see one of the old
        objective and one of the new. Both are known at the end, so their difference is put on the other, too.
        """
        with torch.enable_grad():
            closure()
        before = self._own_state["prev_flat_grad"]
        before.add_(self._gradient() - outdated)

    @property
    def _own_state(self) -> dict[str, Any]:
        """Torch keeps all of it with the first parameter."""
        state: dict[str, Any] = self.state[self.param_groups[0]["params"][0]]
        return state

    def _known_loss(self) -> Tensor | None:
        """Loss of the parameters as they are, where they were evaluated last; their gradients are then in place."""
        if self._last is None or not torch.equal(self._parameters(), self._last[0]):
            return None
        return self._last[1]

    def _parameters(self) -> Tensor:
        """A copy, in one vector."""
        return parameters_to_vector(self.param_groups[0]["params"]).detach()

    def _gradient(self) -> Tensor:
        return parameters_to_vector([parameter.grad for parameter in self.param_groups[0]["params"]])


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
