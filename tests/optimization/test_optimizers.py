import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnst.optimization.optimizers import PixelOptimizer, ThriftyLBFGS

_OPTIONS: dict[str, Any] = {
    "max_iter": 1,
    "max_eval": 20,
    "history_size": 5,
    "tolerance_grad": 0.0,
    "tolerance_change": 0.0,
    "line_search_fn": "strong_wolfe",
}
_START = (-1.2, 1.0, -0.7, 0.4)


def _rosenbrock(point: Tensor) -> Tensor:
    return (100.0 * (point[1:] - point[:-1].square()).square() + (1.0 - point[:-1]).square()).sum()


class _Problem:
    """A function to minimize, and how often it was evaluated."""

    def __init__(self, function: Callable[[Tensor], Tensor] = _rosenbrock, start: Tensor | None = None) -> None:
        self.function = function
        self.point = nn.Parameter(torch.tensor(_START, dtype=torch.float64) if start is None else start)
        self.evaluations = 0

    def closure(self) -> Any:
        loss = self.function(self.point)
        (self.point.grad,) = torch.autograd.grad(loss, self.point)
        self.evaluations += 1
        return loss


def _path(optimizer: torch.optim.Optimizer, problem: _Problem, steps: int) -> Tensor:
    points = []
    for _ in range(steps):
        optimizer.step(problem.closure)
        points.append(problem.point.detach().clone())
    return torch.stack(points)


@pytest.mark.parametrize("line_search", ["strong_wolfe", None])
def test_thrifty__same_points_as_torch_with_fewer_evaluations(
    line_search: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ThriftyLBFGS, "_first_length", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr("rnst.optimization.optimizers._LOSSES_IN_VIEW", 1)
    options = {**_OPTIONS, "line_search_fn": line_search, "lr": 1.0 if line_search else 0.001}
    ours, theirs, steps = _Problem(), _Problem(), 25
    found = _path(ThriftyLBFGS([ours.point], **options), ours, steps)
    expected = _path(torch.optim.LBFGS([theirs.point], **options), theirs, steps)
    assert torch.equal(found, expected)
    if line_search is None:  # each step is one evaluation, nothing is evaluated twice
        assert ours.evaluations == theirs.evaluations == steps
    else:
        assert theirs.evaluations - ours.evaluations > steps // 2


def test_thrifty__converges_on_a_quadratic() -> None:
    scales = torch.tensor([1.0, 10.0, 100.0, 0.1], dtype=torch.float64)
    problem = _Problem(lambda point: (scales * (point - 3.0).square()).sum())
    _path(ThriftyLBFGS([problem.point], **_OPTIONS), problem, 40)
    torch.testing.assert_close(problem.point.detach(), torch.full_like(problem.point, 3.0))


def test_thrifty__the_loss_of_each_step_is_that_of_its_start() -> None:
    problem = _Problem()
    optimizer = ThriftyLBFGS([problem.point], **_OPTIONS)
    for _ in range(10):
        expected = problem.function(problem.point).item()
        assert float(optimizer.step(problem.closure)) == expected


def test_patience__a_loss_that_rounding_hides_does_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in bfloat16: near the end a step gains less than rounding adds; the gradient is still good."""
    scales = torch.logspace(0, 4, 200, dtype=torch.float64)
    found = {}
    for losses in (1, 10):
        monkeypatch.setattr("rnst.optimization.optimizers._LOSSES_IN_VIEW", losses)
        problem = _Problem(
            lambda point: (scales * point.square()).sum() + 20.0 * (1e7 * point.detach().sum()).sin(),
            torch.ones(200, dtype=torch.float64),
        )
        optimizer = ThriftyLBFGS([problem.point], **_OPTIONS)
        while problem.evaluations < 150:
            optimizer.step(problem.closure)
        found[losses] = float((scales * problem.point.detach().square()).sum())
    assert found[10] < 0.5 * found[1]


def test_patience__ends_with_the_objective() -> None:
    """A new view does not inherit what the losses of the old one allow."""
    problem = _Problem(lambda point: 1e6 * (point - 3.0).square().sum())
    optimizer = ThriftyLBFGS([problem.point], **_OPTIONS)
    _path(optimizer, problem, 3)
    optimizer.objective_changed()
    problem.function = _rosenbrock
    losses = [float(optimizer.step(problem.closure)) for _ in range(15)]
    assert max(losses) == losses[0]


def test_objective_changed__forces_an_evaluation() -> None:
    problem = _Problem(lambda point: (point - 3.0).square().sum())
    optimizer = ThriftyLBFGS([problem.point], **_OPTIONS)
    _path(optimizer, problem, 3)
    problem.function = lambda point: (point + 2.0).square().sum() + 100.0
    assert float(optimizer.step(problem.closure)) < 100.0, "it did not remember, so this test shows nothing"

    expected = problem.function(problem.point).item()
    optimizer.objective_changed()
    assert float(optimizer.step(problem.closure)) == expected
    _path(optimizer, problem, 20)
    torch.testing.assert_close(problem.point.detach(), torch.full_like(problem.point, -2.0))


@pytest.mark.parametrize("steepness", [1e-4, 1.0, 1e4])
def test_first_step__can_be_seen_however_steep_the_loss_is(steepness: float) -> None:
    target = torch.rand(100, 100, dtype=torch.float64)
    problem = _Problem(lambda point: steepness * (point - target).square().sum(), torch.zeros_like(target))
    ThriftyLBFGS([problem.point], **_OPTIONS).step(problem.closure)
    assert 0.009 < problem.point.detach().square().mean().sqrt().item() < 1.0
    assert problem.evaluations <= 3
    plain = _Problem(problem.function, torch.zeros_like(target))
    torch.optim.LBFGS([plain.point], **_OPTIONS).step(plain.closure)
    assert plain.evaluations > problem.evaluations


def test_objective_changed__curvature_is_that_of_one_objective() -> None:
    """A slope that is added later is in no second derivative."""
    scales = torch.tensor([1.0, 10.0, 100.0, 0.1], dtype=torch.float64)
    problem = _Problem(lambda point: (scales * (point - 3.0).square()).sum())
    optimizer = ThriftyLBFGS([problem.point], **_OPTIONS)
    _path(optimizer, problem, 2)
    problem.function = lambda point: (scales * (point - 3.0).square()).sum() + (1000.0 * point).sum()
    optimizer.objective_changed()
    optimizer.step(problem.closure)
    state = optimizer.state[problem.point]
    for step, change in zip(state["old_stps"], state["old_dirs"], strict=True):
        torch.testing.assert_close(change, 2 * scales * step)


def test_thrifty__notices_when_somebody_moves_the_parameters() -> None:
    problem = _Problem()
    optimizer = ThriftyLBFGS([problem.point], **_OPTIONS)
    _path(optimizer, problem, 3)
    with torch.no_grad():
        problem.point.add_(0.1)
    expected = problem.function(problem.point).item()
    assert float(optimizer.step(problem.closure)) == expected


@pytest.mark.parametrize("settings", [PixelOptimizer("lbfgs"), PixelOptimizer("adam", 0.1)], ids=lambda s: s.name)
def test_build__lowers_the_loss(settings: PixelOptimizer) -> None:
    problem = _Problem(lambda point: (point - 3.0).square().sum())
    optimizer = settings.build([problem.point])
    before = problem.function(problem.point).item()
    for _ in range(100):
        optimizer.step(problem.closure)
    assert problem.function(problem.point).item() < 0.01 * before


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        (PixelOptimizer(), 1.0),
        (PixelOptimizer("adam", 0.3), 0.3),
        (PixelOptimizer(learning_rate=0.5), 0.5),
    ],
    ids=str,
)
def test_build__learning_rates(settings: PixelOptimizer, rate: float) -> None:
    (group,) = settings.build([nn.Parameter(torch.zeros(2))]).param_groups
    assert group["lr"] == rate


def test_build__one_step_of_lbfgs_is_one_iteration_and_history_is_kept() -> None:
    problem = _Problem()
    optimizer = PixelOptimizer(history=3).build([problem.point])
    _path(optimizer, problem, 8)
    state = optimizer.state[problem.point]
    assert state["n_iter"] == 8
    assert len(state["old_dirs"]) == 3


def test_build__without_line_search_one_evaluation_for_each_step() -> None:
    problem = _Problem()
    _path(PixelOptimizer(learning_rate=0.001, line_search=False).build([problem.point]), problem, 5)
    assert problem.evaluations == 5


def test_adam_does_not_step_by_rounding() -> None:
    # One coordinate counts, the other has a gradient as small as rounding makes it, in pictures' usual range of sizes.
    problem = _Problem(
        lambda point: 1e-4 * (point * torch.tensor([1.0, 1e-8])).sum(),
        start=torch.tensor([0.0, 0.0], dtype=torch.float64),
    )
    path = _path(PixelOptimizer("adam", learning_rate=0.05).build([problem.point]), problem, 10)
    assert -0.5 < path[-1, 0] < -0.49  # ten whole steps
    assert path[-1, 1].abs() < 1e-4


@pytest.mark.parametrize("size", [1.0, 1e5])
def test_adam__a_picture_does_not_depend_on_the_others_of_its_batch(size: float) -> None:
    start, slopes = torch.rand(1, 3, 4, 4), torch.randn(1, 3, 4, 4)
    paths = []
    for sizes in (torch.ones(1), torch.tensor([1.0, size])):
        weights = sizes.view(-1, 1, 1, 1) * slopes
        problem = _Problem(
            lambda point, weights=weights: (weights * point).sum(),  # type: ignore[misc]
            start.repeat(len(sizes), 1, 1, 1),
        )
        paths.append(_path(PixelOptimizer("adam", 0.05).build([problem.point]), problem, 5)[:, :1])
    torch.testing.assert_close(paths[1], paths[0])


def test_adam_does_not_depend_on_the_size_of_the_loss() -> None:
    paths = []
    for size in (1e-6, 1.0):
        problem = _Problem(lambda point, size=size: size * _rosenbrock(point))  # type: ignore[misc]
        paths.append(_path(PixelOptimizer("adam", 0.05).build([problem.point]), problem, 20))
    torch.testing.assert_close(paths[0], paths[1])
