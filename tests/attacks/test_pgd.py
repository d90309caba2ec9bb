from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.attacks.attack import Attack, NoAttack
from rnst.attacks.ball import Ball, L2Ball, LinfBall
from rnst.attacks.pgd import PGD
from rnst.errors import InvalidValueError

_L2 = PGD(L2Ball(0.8), steps=5, step_size=0.3)
_LINF = PGD(LinfBall(0.05), steps=5, step_size=0.02)
_VARIANTS: list[dict[str, Any]] = [
    {},
    {"random_start": True},
    {"restarts": 2, "random_start": True},
    {"keep_best": False},
]

attacks = pytest.mark.parametrize("attack", [_L2, _LINF], ids=lambda attack: attack.ball.norm)
variants = pytest.mark.parametrize("variant", _VARIANTS, ids=str)


def _network(dtype: torch.dtype = torch.float32) -> nn.Module:
    """Small, smooth in its input except at its ReLUs, and nothing in it mixes samples."""
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(54, 4)
    )
    return network.to(dtype)


def _batch(count: int = 6, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    images = torch.rand(count, 3, 10, 10, dtype=dtype)
    images[0] = 0.0  # at the border of the box
    images[-1] = 1.0
    return images, torch.arange(count) % 4


def _losses(network: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return F.cross_entropy(network(images), labels, reduction="none")


def _sizes(ball: Ball, delta: Tensor) -> Tensor:
    flat = delta.flatten(1)
    return flat.norm(dim=1) if ball.norm == "l2" else flat.abs().amax(1)


@attacks
@variants
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_in_ball_and_in_box(
    attack: PGD, variant: dict[str, Any], dtype: torch.dtype, layout: torch.memory_format
) -> None:
    network, (images, labels) = _network(dtype), _batch(dtype=dtype)
    given = images.to(memory_format=layout)
    adversarial = replace(attack, **variant)(network, given, labels)
    assert adversarial.shape == images.shape
    assert adversarial.dtype == dtype
    assert not adversarial.requires_grad
    assert adversarial.min() >= 0.0
    assert adversarial.max() <= 1.0
    assert (_sizes(attack.ball, adversarial - images) <= attack.ball.radius + 1e-5).all()
    assert torch.equal(given, images), "the images of the caller were changed"
    assert (_losses(network, adversarial, labels) > _losses(network, images, labels)).all()


@attacks
def test_batch_equals_singles(attack: PGD) -> None:
    network, (images, labels) = _network(torch.float64), _batch(dtype=torch.float64)
    singles = [attack(network, images[i : i + 1], labels[i : i + 1]) for i in range(len(images))]
    torch.testing.assert_close(attack(network, images, labels), torch.cat(singles))


@attacks
def test_channels_last_equals_contiguous(attack: PGD) -> None:
    network, (images, labels) = _network(torch.float64), _batch(dtype=torch.float64)
    other = attack(network, images.to(memory_format=torch.channels_last), labels)
    torch.testing.assert_close(other, attack(network, images, labels))


def test_l2_step_is_parallel_to_the_gradient() -> None:
    network, (images, labels) = _network(torch.float64), _batch(dtype=torch.float64)
    images = images * 0.5 + 0.25  # far from the borders of the box
    attack = PGD(L2Ball(0.2), steps=1, step_size=0.1, keep_best=False)
    leaf = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(network(leaf), labels, reduction="sum"), leaf)
    step = attack(network, images, labels) - images
    torch.testing.assert_close(step.flatten(1).norm(dim=1), torch.full((6,), 0.1, dtype=torch.float64))
    cosine = torch.cosine_similarity(step.flatten(1), gradient.flatten(1))
    torch.testing.assert_close(cosine, torch.ones_like(cosine), rtol=0.0, atol=1e-6)


@attacks
def test_more_steps_never_lower_the_kept_loss(attack: PGD) -> None:
    network, (images, labels) = _network(), _batch()
    # Steps so long that the iterate itself goes up and down.
    wild = replace(attack, step_size=attack.ball.radius * 3)
    kept = [_losses(network, replace(wild, steps=steps)(network, images, labels), labels) for steps in range(8)]
    assert torch.equal(kept[0], _losses(network, images, labels))
    for fewer, more in pairwise(kept):
        assert (more >= fewer - 1e-6).all()
    last = [replace(wild, steps=steps, keep_best=False)(network, images, labels) for steps in range(8)]
    falls = [(_losses(network, b, labels) < _losses(network, a, labels)).any() for a, b in pairwise(last)]
    assert any(falls), "the iterate rose all the time, so this test shows nothing"


@attacks
@pytest.mark.parametrize("keep_best", [True, False])
def test_restarts_never_lower_the_kept_loss(attack: PGD, keep_best: bool) -> None:  # noqa: FBT001 - a parameter of the test
    network, (images, labels) = _network(), _batch(16)
    short = replace(attack, steps=1, random_start=True, keep_best=keep_best)
    kept = []
    for restarts in range(1, 6):
        torch.manual_seed(1)  # so that the first restarts are the same ones
        kept.append(_losses(network, replace(short, restarts=restarts)(network, images, labels), labels))
    for fewer, more in pairwise(kept):
        assert (more >= fewer - 1e-6).all()
    assert (kept[-1] > kept[0] + 1e-6).any(), "restarts changed nothing, so this test shows nothing"


@pytest.mark.parametrize("ball", [L2Ball(0.4), LinfBall(0.02)], ids=lambda ball: ball.norm)
@pytest.mark.parametrize("random_start", [False, True])
def test_linear_model_reaches_the_optimum(ball: Ball, random_start: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Two logits (w.x, 0): the loss of class 0 is greatest at x - radius * w/|w|, or x - radius * sign(w)."""
    weights = torch.randn(3 * 6 * 6, dtype=torch.float64)

    def model(images: Tensor) -> Tensor:
        logits = images.flatten(1) @ weights
        return torch.stack([logits, torch.zeros_like(logits)], dim=1)

    images = torch.rand(5, 3, 6, 6, dtype=torch.float64) * 0.2 + 0.4
    labels = torch.zeros(5, dtype=torch.long)
    direction = weights.sign() if ball.norm == "linf" else weights / weights.norm()
    optimum = images - ball.radius * direction.view(3, 6, 6)
    attack = PGD(ball, steps=40, step_size=ball.radius / 4, random_start=random_start)
    torch.testing.assert_close(attack(model, images, labels), optimum, rtol=0.0, atol=1e-3 * ball.radius)


@attacks
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_without_gradients_around_it(attack: PGD, mode: Callable[[], torch.no_grad]) -> None:
    network, (images, labels) = _network(), _batch()
    expected = attack(network, images, labels)
    with mode():
        # Tensors born here are inference tensors, as those of a data loader in Lightning's test loop.
        assert torch.equal(attack(network, images * 1.0, labels * 1), expected)
        assert not torch.is_grad_enabled()


@attacks
def test_weight_gradients_stay_untouched(attack: PGD) -> None:
    network, (images, labels) = _network(), _batch()
    attack(network, images, labels)
    assert all(parameter.grad is None for parameter in network.parameters())
    network(images).sum().backward()
    before = [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]
    attack(network, images, labels)
    after = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(parameter.requires_grad for parameter in network.parameters())


@attacks
def test_random_start_begins_inside_and_not_at_the_image(attack: PGD) -> None:
    network, (images, labels) = _network(), _batch()
    start = replace(attack, steps=0, random_start=True, keep_best=False)(network, images, labels)
    assert (_sizes(attack.ball, start - images) > 0).all()
    assert not torch.equal(start, replace(attack, steps=0, random_start=True, keep_best=False)(network, images, labels))
    no_start = replace(attack, steps=0, keep_best=False)(network, images, labels)
    assert torch.equal(no_start, images)


def test_a_model_of_nan_gives_back_the_image() -> None:
    images, labels = _batch()
    adversarial = _L2(lambda x: x.flatten(1)[:, :4] * torch.nan, images, labels)
    assert torch.equal(adversarial, images)


@pytest.mark.parametrize("attack", [_L2, _LINF, NoAttack()], ids=["l2", "linf", "none"])
def test_scaled_keeps_the_shape_of_the_attack(attack: Attack) -> None:
    half = attack.scaled(0.5)
    assert half.ball == attack.ball.scaled(0.5)
    if isinstance(attack, PGD) and isinstance(half, PGD):
        assert half.step_size / half.ball.radius == pytest.approx(attack.step_size / attack.ball.radius)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"restarts": 0}, {"step_size": 0.0}], ids=str)
def test_numbers_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(wrong))):
        replace(_L2, **wrong)


def test_no_attack_gives_the_images_back() -> None:
    images, labels = _batch()
    assert NoAttack()(_network(), images, labels) is images
