from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from rnst.attacks.ball import Ball, L2Ball, LinfBall
from rnst.attacks.fgsm import FGSM
from rnst.attacks.pgd import PGD
from rnst.errors import InvalidValueError

balls = pytest.mark.parametrize("ball", [L2Ball(0.8), LinfBall(0.05)], ids=lambda ball: ball.norm)


def _network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 64, 4)).double()


def _batch() -> tuple[Tensor, Tensor]:
    return torch.rand(6, 3, 10, 10, dtype=torch.float64) * 0.5 + 0.25, torch.arange(6) % 4


@balls
def test_one_step_from_a_point_of_the_ball(ball: Ball) -> None:
    network, (images, labels) = _network(), _batch()
    torch.manual_seed(1)
    found = FGSM(ball)(network, images, labels)
    torch.manual_seed(1)
    start = (images + ball.random_start(images)).requires_grad_()
    (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(network(start), labels, reduction="sum"), start)
    moved = start.detach() + 1.25 * ball.radius * ball.steepest(gradient) - images
    torch.testing.assert_close(found, images + ball.project(moved))


@balls
def test_inside_and_different_each_time(ball: Ball) -> None:
    network, (images, labels) = _network(), _batch()
    first, second = (FGSM(ball)(network, images, labels) for _ in range(2))
    assert not torch.equal(first, second)
    delta = (first - images).flatten(1)
    sizes = delta.norm(dim=1) if ball.norm == "l2" else delta.abs().amax(1)
    assert (sizes <= ball.radius + 1e-9).all()
    torch.testing.assert_close(sizes, torch.full_like(sizes, ball.radius), msg="such a step reaches the surface")


def test_its_length_follows_the_radius() -> None:
    attack = FGSM(LinfBall(0.03))
    assert attack.with_radius(0.06) == FGSM(LinfBall(0.06))
    images, labels = _batch()
    assert torch.equal(attack.with_radius(0.0)(_network(), images, labels), images)
    assert replace(attack, step=0.5).step == 0.5
    assert attack.steps == PGD(attack.ball, steps=1).steps


@pytest.mark.parametrize("step", [0.0, -1.0])
def test_a_step_that_leads_nowhere_is_refused(step: float) -> None:
    with pytest.raises(InvalidValueError, match="step"):
        FGSM(L2Ball(1.0), step=step)
