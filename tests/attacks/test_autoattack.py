import sys

import pytest
import torch
from torch import Tensor, nn

from rnst.attacks.autoattack import AutoAttack
from rnst.attacks.ball import Ball, L2Ball, LinfBall
from rnst.attacks.pgd import PGD
from rnst.errors import InvalidValueError, MissingExtraError

_BALLS = (L2Ball(0.4), LinfBall(0.05))
_NORMS = {"l2": 2.0, "linf": torch.inf}


@pytest.fixture
def _installed() -> None:
    pytest.importorskip("pyautoattack", reason="the extra autoattack is not installed")


def _problem(classes: int = 6) -> tuple[nn.Module, Tensor, Tensor]:
    """A small smooth network, and images that it answers rightly but for the first two."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU(), nn.Flatten(), nn.Linear(8 * 36, classes)).eval()
    images = torch.rand(12, 3, 8, 8)
    with torch.no_grad():
        labels = model(images).argmax(1)
    labels[:2] = (labels[:2] + 1) % classes
    return model, images, labels


def _quick(ball: Ball) -> AutoAttack:
    return AutoAttack(ball, steps=10, queries=20)


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("ball", _BALLS, ids=lambda ball: ball.norm)
def test_inside_ball_and_box_and_no_weaker_than_pgd(ball: Ball) -> None:
    model, images, labels = _problem()
    adversarial = _quick(ball)(model, images, labels)
    assert adversarial.shape == images.shape
    assert not adversarial.requires_grad
    assert 0.0 <= adversarial.min() <= adversarial.max() <= 1.0
    lengths = torch.linalg.vector_norm((adversarial - images).flatten(1), ord=_NORMS[ball.norm], dim=1)
    assert lengths.max() <= ball.radius * (1 + 1e-4)
    step = 2.5 * ball.radius / 10
    weaker = PGD(ball, 10, step, random_start=True)(model, images, labels)
    with torch.no_grad():
        right, right_under_pgd = ((model(seen).argmax(1) == labels).sum() for seen in (adversarial, weaker))
    assert right <= right_under_pgd
    assert right < 10


@pytest.mark.usefixtures("_installed")
def test_images_answered_wrongly_are_left_alone_and_weights_too() -> None:
    model, images, labels = _problem()
    adversarial = _quick(L2Ball(0.4))(model, images.contiguous(memory_format=torch.channels_last), labels)
    assert torch.equal(adversarial[:2], images[:2])
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


@pytest.mark.usefixtures("_installed")
def test_under_inference_mode_and_the_same_twice() -> None:
    model, images, labels = _problem()
    with torch.inference_mode():
        first = _quick(L2Ball(0.4))(model, images, labels)
    assert torch.equal(first, _quick(L2Ball(0.4))(model, images, labels))


@pytest.mark.usefixtures("_installed")
def test_too_few_classes() -> None:
    with pytest.raises(InvalidValueError, match="at least 4 for AutoAttack"):
        _quick(L2Ball(0.4))(*_problem(classes=3))


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyautoattack", None)
    with pytest.raises(MissingExtraError, match=r"uv run --extra autoattack"):
        _quick(L2Ball(0.4))(*_problem())
