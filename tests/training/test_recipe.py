import math
import warnings
from typing import Any, Literal

import pytest
import torch
from torch import nn

from rnst.errors import InvalidValueError
from rnst.training.recipe import Recipe


def _rates(recipe: Recipe, total_steps: int, epochs: float) -> list[float]:
    """The learning rate of each optimizer step."""
    optimizer = recipe.optimizer([nn.Parameter(torch.zeros(1))])
    scheduler = recipe.scheduler(optimizer, total_steps, total_steps / epochs)
    rates = []
    for _ in range(total_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_the_defaults_are_the_published_recipe() -> None:
    rates = _rates(Recipe(), total_steps=900, epochs=90)
    assert rates == pytest.approx([0.1] * 300 + [0.01] * 300 + [0.001] * 300)
    group = Recipe().optimizer([nn.Parameter(torch.zeros(1))]).param_groups[0]
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, False, 1e-4)


def test_step__milestones_are_epochs_whatever_their_length() -> None:
    recipe = Recipe(learning_rate=1.0, milestones=(1, 3))
    assert _rates(recipe, 8, 4) == pytest.approx([1.0] * 2 + [0.1] * 4 + [0.01] * 2)
    assert _rates(recipe, 20, 4) == pytest.approx([1.0] * 5 + [0.1] * 10 + [0.01] * 5)


def test_one_cycle__rises_for_a_third_and_falls_to_zero() -> None:
    rates = _rates(Recipe(learning_rate=0.2, schedule="one_cycle"), 100, 10)
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.2)
    assert 25 < peak < 32
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[0] < 0.2 / 20
    assert rates[-1] < 1e-4


def test_one_cycle__leaves_the_momentum() -> None:
    optimizer = Recipe(schedule="one_cycle", momentum=0.8).optimizer([nn.Parameter(torch.zeros(1))])
    Recipe(schedule="one_cycle", momentum=0.8).scheduler(optimizer, 10, 10)
    assert optimizer.param_groups[0]["momentum"] == 0.8


def test_cosine__falls_all_the_way() -> None:
    rates = _rates(Recipe(learning_rate=0.2, schedule="cosine"), 100, 10)
    assert rates[0] == pytest.approx(0.2)
    assert rates[50] == pytest.approx(0.1)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 1e-3


def test_constant() -> None:
    assert _rates(Recipe(learning_rate=0.3, schedule="constant"), 20, 2) == pytest.approx([0.3] * 20)


@pytest.mark.parametrize("schedule", ["step", "one_cycle", "cosine", "constant"])
def test_a_run_of_one_step(schedule: Literal["step", "one_cycle", "cosine", "constant"]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (rate,) = _rates(Recipe(schedule=schedule), 1, 1)
    assert rate == 0.1, "the only step is no part of a rise or fall"


@pytest.mark.parametrize(
    ("recipe", "steps", "epochs"),
    [(Recipe(schedule="one_cycle", warmup_epochs=1.0), 10, 10), (Recipe(schedule="cosine", warmup_epochs=0.9), 3, 1)],
)
def test_a_warmup_of_one_step_or_of_nearly_all(recipe: Recipe, steps: int, epochs: int) -> None:
    assert all(0.0 <= rate <= recipe.learning_rate for rate in _rates(recipe, steps, epochs))


def test_optimizer__takes_the_recipe() -> None:
    recipe = Recipe(learning_rate=0.3, momentum=0.7, nesterov=True, weight_decay=0.01)
    parameter = nn.Parameter(torch.ones(1))
    optimizer = recipe.optimizer([parameter])
    parameter.grad = torch.ones(1)
    optimizer.step()
    # gradient 1 + 0.01 of decay; Nesterov adds momentum times it once more.
    assert parameter.item() == pytest.approx(1.0 - 0.3 * 1.01 * 1.7)


@pytest.mark.parametrize("schedule", ["step", "one_cycle", "cosine", "constant"])
def test_warmup__rises_to_the_learning_rate_in_so_many_epochs(
    schedule: Literal["step", "one_cycle", "cosine", "constant"],
) -> None:
    rates = _rates(Recipe(learning_rate=0.2, schedule=schedule, warmup_epochs=2.5, milestones=(6,)), 80, 8)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert peak in {24, 25}
    assert rates[0] < 0.02
    assert max(rates) == pytest.approx(0.2)
    assert rates[-1] == pytest.approx({"step": 0.02, "constant": 0.2}.get(schedule, 0.0), abs=1e-3)


def test_warmup__longer_than_the_run() -> None:
    with pytest.raises(InvalidValueError, match=r"warmup_epochs is 3.*less than the 3 epochs"):
        _rates(Recipe(warmup_epochs=3), 30, 3)


@pytest.mark.parametrize("schedule", ["step", "constant"])
def test_without_a_length__milestones_and_warmup_are_epochs_still(schedule: Literal["step", "constant"]) -> None:
    recipe, parameter = Recipe(schedule=schedule, milestones=(2,), warmup_epochs=1.0), nn.Parameter(torch.zeros(1))
    optimizer = recipe.optimizer([parameter])
    scheduler, rates = recipe.scheduler(optimizer, math.inf, 5), []
    for _ in range(15):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx(_rates(recipe, 15, 3))


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
def test_without_a_length__what_spans_the_run_is_refused(schedule: Literal["one_cycle", "cosine"]) -> None:
    optimizer = Recipe().optimizer([nn.Parameter(torch.zeros(1))])
    with pytest.raises(InvalidValueError, match=rf"max_epochs .*given, or .*max_steps: the schedule {schedule}"):
        Recipe(schedule=schedule).scheduler(optimizer, math.inf, 5)


def test_adamw__decays_the_weights_by_themselves() -> None:
    parameter = nn.Parameter(torch.ones(1))
    optimizer = Recipe(method="adamw", learning_rate=0.01, momentum=0.8, weight_decay=0.5).optimizer([parameter])
    assert optimizer.param_groups[0]["betas"][0] == 0.8
    parameter.grad = torch.zeros(1)
    optimizer.step()
    assert parameter.item() == pytest.approx(1 - 0.01 * 0.5)


@pytest.mark.parametrize(
    "wrong",
    [{"learning_rate": 0.0}, {"momentum": 1.0}, {"warmup_epochs": -1.0}, {"method": "adamw", "nesterov": True}],
    ids=str,
)
def test_wrong_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match=f"recipe.{list(wrong)[-1]}"):
        Recipe(**wrong)
