"""Optimizers of images."""

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
_OF_PICTURES = 4  # dimensions at least; the first one then counts pictures
_MOST_EVALUATIONS = 20
_LOSSES_IN_VIEW = 10
_FIRST_STEP = 0.01  # root mean square; parameters are in units of the range of pixels, 0 to 1


@dataclass(frozen=True)
class PixelOptimizer:
    """Settings of the optimizer that updates the parameters of an image.

    Args:
        name: "lbfgs" (few steps, each of one or a few evaluations) or "adam".
        learning_rate: factor of each step; usually 1 for L-BFGS and 0.05 for Adam.
        history: pairs of past steps that L-BFGS stores; each takes twice the memory of the image.
        line_search: L-BFGS searches a step whose loss is below the highest of its last ten (strong Wolfe conditions);
            without the search it takes the full quasi-Newton step, which is one evaluation but may raise the loss.
        averaging: decay of the running mean of Adam's images; 0 means no averaging.
    """

    name: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float = 1.0
    history: int = 10
    line_search: bool = True
    averaging: float = 0.0

    @property
    def averages(self) -> bool:
        """Whether the result is the mean of the images."""
        return self.name == "adam" and self.averaging > 0

    @property
    def descends(self) -> bool:
        """Whether the loss should fall over several steps."""
        return self.name == "lbfgs" and self.line_search

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer. One `step` of L-BFGS is one iteration; the history is kept between steps."""
        if self.name == "adam":
            return QuietAdam(parameters, lr=self.learning_rate, betas=_ADAM_BETAS)
        return ThriftyLBFGS(
            parameters,
            lr=self.learning_rate,
            max_iter=1,
            # torch shares this budget with the line search: its default of max_iter * 5 // 4 leaves no evaluation for
            # the search, and the image would never change.
            max_eval=_MOST_EVALUATIONS,
            history_size=self.history,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe" if self.line_search else None,
        )


class QuietAdam(torch.optim.Adam):
    """torch's Adam with an epsilon that is a share of the first gradient's root mean square.

    Adam divides each gradient by its own magnitude. Where gradients are almost 0, such as at the highest frequencies of
    an image before a stem with a blur, this amplifies rounding errors to full steps: colored grain that differs between
    machines and between orders of tiles. Gradients of images are around 1e-4, so the usual epsilon of 1e-8 does not
    prevent this. Each picture of a batch has its own epsilon, so that it does not depend on the others.
    """

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """One step.

        Args:
            closure: zeroes the gradients, evaluates the loss, runs the backward pass and returns the scalar loss.
        """
        with torch.enable_grad():
            loss = closure()
        if not self.state:
            self._take_epsilon()
        super().step()
        return loss

    def _take_epsilon(self) -> None:
        group = self.param_groups[0]
        gradients = [parameter.grad for parameter in group["params"] if parameter.grad is not None]
        first, tiny = gradients[0], torch.finfo(gradients[0].dtype).tiny
        if len(gradients) == 1 and first.dim() >= _OF_PICTURES and len(first) > 1:
            sizes = first.square().mean(tuple(range(1, first.dim())), keepdim=True).sqrt()
            group["eps"] = (_QUIET * sizes).clamp_min(tiny)
            group["foreach"] = False  # torch's kernels for lists of tensors take a number alone
        else:
            size = parameters_to_vector(gradients).square().mean().sqrt().item()
            group["eps"] = max(_QUIET * size, tiny)


class ThriftyLBFGS(torch.optim.LBFGS):
    """torch's L-BFGS with fewer evaluations.

    Each `step` of torch first evaluates the point where the last line search ended, which that search has already
    evaluated. If the parameters are still the same, bit for bit, the stored loss and gradients are reused.

    The line search requires a loss below the highest of the last ten, not below the last (Grippo, Lampariello and
    Lucidi 1986). Near the end a step lowers the loss by less than the rounding error of bfloat16. A search for descent
    then evaluates repeatedly without progress, where the full step would have made progress.

    The first line search starts with a step of visible size. torch divides the gradient by the sum of its magnitudes,
    which updates each of a million pixels by about a millionth, and needs several evaluations to enlarge that step.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], **options: Any) -> None:
        super().__init__(parameters, **options)
        self._last: tuple[Tensor, Tensor] | None = None  # the parameters of the last evaluation, and their loss
        self._outdated: Tensor | None = None

    def state_dict(self) -> dict[str, Any]:
        """State with the loss and gradients of the current parameters, so that they need not be evaluated again."""
        state: dict[str, Any] = super().state_dict()
        loss = self._known_loss()
        if loss is not None:
            state["evaluated"] = [loss, *(parameter.grad for parameter in self.param_groups[0]["params"])]
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state; the parameters must already have the values of that state."""
        super().load_state_dict({name: value for name, value in state.items() if name != "evaluated"})
        self._last = self._outdated = None
        if "evaluated" not in state:
            return
        loss, *gradients = state["evaluated"]
        for parameter, gradient in zip(self.param_groups[0]["params"], gradients, strict=True):
            parameter.grad = gradient.to(parameter.device, copy=True)
        self._last = self._parameters(), loss.to(parameter.device)

    def objective_changed(self) -> None:
        """Forget the last evaluation: loss and gradient of the same parameters have changed."""
        if self.state and self._known_loss() is not None:  # a search may end at a point other than its last evaluation
            self._outdated = self._gradient()
        self._last = None
        if self.state:
            self._own_state["losses"] = []

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """One iteration.

        Args:
            closure: zeroes the gradients, evaluates the loss, runs the backward pass and returns the scalar loss.
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
        if not evaluated:  # the parameters did not change; Lightning requires each step to call the closure
            closure()
        return loss

    def _with_patience(self, closure: Callable[[], Tensor], loss: Tensor) -> Callable[[], Tensor]:
        """Return the highest of the last losses for torch's first evaluation, which is that of the starting point."""
        losses = self._own_state["losses"] = [*self._own_state.get("losses", ()), loss.item()][-_LOSSES_IN_VIEW:]
        first = [loss.new_tensor(max(losses))]
        return lambda: first.pop() if first else closure()

    @contextmanager
    def _first_length(self) -> Iterator[None]:
        """Start the first line search at `_FIRST_STEP` times the learning rate; the gradients are already computed."""
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
        """Keep the curvature pair of the last step within one objective.

        torch subtracts the gradients at both ends of a step; after a change, one is of the old objective and one of the
        new. Both gradients are known at the end of the step, so their difference is added to that at its start.
        """
        with torch.enable_grad():
            closure()
        before = self._own_state["prev_flat_grad"]
        before.add_(self._gradient() - outdated)

    @property
    def _own_state(self) -> dict[str, Any]:
        """The state of L-BFGS, which torch stores with the first parameter."""
        state: dict[str, Any] = self.state[self.param_groups[0]["params"][0]]
        return state

    def _known_loss(self) -> Tensor | None:
        """Loss of the current parameters if they were evaluated last; their gradients are then already computed."""
        if self._last is None or not torch.equal(self._parameters(), self._last[0]):
            return None
        return self._last[1]

    def _parameters(self) -> Tensor:
        """A copy of the parameters as one vector."""
        return parameters_to_vector(self.param_groups[0]["params"]).detach()

    def _gradient(self) -> Tensor:
        return parameters_to_vector([parameter.grad for parameter in self.param_groups[0]["params"]])


def start_again(optimizer: Any, shorter: float) -> None:
    """Clear the state, reduce the learning rate and, for L-BFGS, turn on the line search; in place.

    Args:
        optimizer: a `torch.optim.Optimizer` that `PixelOptimizer` has built.
        shorter: factor of the learning rate, in (0, 1].
    """
    optimizer.state.clear()
    for group in optimizer.param_groups:
        group["lr"] *= shorter
    if isinstance(optimizer, ThriftyLBFGS):
        optimizer.param_groups[0]["line_search_fn"] = "strong_wolfe"
        optimizer.objective_changed()
