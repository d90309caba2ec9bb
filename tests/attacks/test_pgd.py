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
from rnst.attacks.loss import CleanDivergence, TargetedCrossEntropy, divergence
from rnst.attacks.pgd import PGD, published_pgd
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


@pytest.mark.parametrize(
    "wrong", [{"steps": -1}, {"restarts": 0}, {"step_size": 0.0}, {"restarts": 3, "random_start": False}], ids=str
)
def test_numbers_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(wrong))):
        replace(_L2, **wrong)


def test_no_attack_gives_the_images_back() -> None:
    images, labels = _batch()
    assert NoAttack()(_network(), images, labels) is images


def _labels_of_another_class(labels: Tensor) -> Tensor:
    return (labels + 1) % 4


@attacks
def test_targeted__raises_the_class_that_is_wanted(attack: PGD) -> None:
    network, (images, labels) = _network(), _batch()
    wanted = _labels_of_another_class(labels)
    adversarial = replace(attack, loss=TargetedCrossEntropy())(network, images, wanted)
    assert (_losses(network, adversarial, wanted) < _losses(network, images, wanted)).all()
    assert (_sizes(attack.ball, adversarial - images) <= attack.ball.radius + 1e-5).all()


@attacks
@pytest.mark.parametrize("restarts", [1, 3])
def test_clean_divergence__leads_away_from_the_clean_answer(attack: PGD, restarts: int) -> None:
    network, (images, labels) = _network(), _batch()
    away = replace(attack, loss=CleanDivergence(), random_start=True, restarts=restarts)
    adversarial = away(network, images, labels)
    with torch.no_grad():
        clean, attacked, beside = (
            network(seen) for seen in (images, adversarial, replace(away, steps=0)(network, images, labels))
        )
    assert (divergence(clean, attacked) > divergence(clean, beside)).all()
    torch.manual_seed(3)
    first = away(network, images, labels)
    torch.manual_seed(3)
    assert torch.equal(first, away(network, images, labels.flip(0))), "labels are not used"


def test_divergence__is_that_of_the_definition() -> None:
    clean, attacked = torch.randn(2, 5, 4, dtype=torch.float64)
    p, q = clean.softmax(1), attacked.softmax(1)
    torch.testing.assert_close(divergence(clean, attacked), (p * (p / q).log()).sum(1))
    torch.testing.assert_close(divergence(clean, clean), torch.zeros(5, dtype=torch.float64))


def test_clean_divergence__wants_a_random_start() -> None:
    with pytest.raises(InvalidValueError, match="random_start"):
        PGD(L2Ball(1.0), loss=CleanDivergence())


@attacks
@variants
def test_own_radius_for_each_image(attack: PGD, variant: dict[str, Any]) -> None:
    network, (images, labels) = _network(torch.float64), _batch(dtype=torch.float64)
    attack = replace(attack, **variant)
    radii = attack.ball.radius * torch.tensor([1.0, 0.0, 0.5, 2.0, 0.1, 1.0])
    sizes = _sizes(attack.ball, attack(network, images, labels, radii) - images)
    assert (sizes <= radii * (1 + 1e-5) + 1e-9).all()
    assert (sizes[radii > 0] > 0).all()


@attacks
def test_own_radius__equals_an_attack_of_that_radius(attack: PGD) -> None:
    network, (images, labels) = _network(torch.float64), _batch(dtype=torch.float64)
    radii = torch.tensor([0.3, 1.0, 0.5, 2.0, 0.7, 1.4], dtype=torch.float64) * attack.ball.radius
    found = attack(network, images, labels, radii)
    for index, radius in enumerate(radii.tolist()):
        one = slice(index, index + 1)
        expected = attack.with_radius(radius)(network, images[one], labels[one])
        torch.testing.assert_close(found[one], expected)


def test_own_radius__wrong_ones_are_refused() -> None:
    network, (images, labels) = _network(), _batch()
    for radii in (torch.ones(3), torch.tensor([1.0, -1.0, 1.0, 1.0, 1.0, 1.0]), torch.ones(6, 1)):
        with pytest.raises(InvalidValueError, match="radii"):
            _L2(network, images, labels, radii)
    with pytest.raises(InvalidValueError, match="radius"):
        PGD(L2Ball(0.0))(network, images, labels, torch.ones(6))


@attacks
@pytest.mark.parametrize("fails", [False, True])
def test_weights_are_frozen_during_the_attack_alone(attack: PGD, fails: bool) -> None:  # noqa: FBT001 - a parameter of the test
    network, (images, labels) = _network(), _batch()
    kept = next(network.parameters()).requires_grad_(False)  # noqa: FBT003 - the stub knows no keyword
    seen: list[bool] = []

    def look(*_: object) -> None:
        seen.append(any(parameter.requires_grad for parameter in network.parameters()))
        if fails:
            raise RuntimeError("no attack today")

    network.register_forward_pre_hook(look)
    try:
        attack(network, images, labels)
    except RuntimeError:
        assert fails
    assert seen
    assert not any(seen)
    assert [parameter is not kept for parameter in network.parameters()] == [
        parameter.requires_grad for parameter in network.parameters()
    ]


def test_hooks_on_weight_gradients_survive_an_attack() -> None:
    """As those of a distributed wrapper, which hang on the nodes that accumulate gradients."""
    network, (images, labels) = _network(), _batch()
    called: list[int] = []
    nodes = []
    for number, parameter in enumerate(network.parameters()):
        node = torch.autograd.graph.get_gradient_edge(parameter).node
        node.register_hook(lambda *_, number=number: called.append(number))
        nodes.append(node)
    _L2(network, images, labels)
    assert called == []
    network(images).sum().backward()
    assert sorted(called) == list(range(len(nodes)))


@attacks
def test_a_network_in_bfloat16(attack: PGD) -> None:
    """Under autocast and stored so: the images stay float32, in the ball and in the box."""
    images, labels = _batch()
    stored = _network(torch.bfloat16)
    for network, autocast in ((_network(), True), (lambda seen: stored(seen.bfloat16()), False)):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            adversarial = attack(network, images, labels)
        assert adversarial.dtype == torch.float32
        assert adversarial.min() >= 0.0
        assert adversarial.max() <= 1.0
        assert (_sizes(attack.ball, adversarial - images) <= attack.ball.radius + 1e-5).all()
        assert (_sizes(attack.ball, adversarial - images) > 0.5 * attack.ball.radius).all()


@attacks
@pytest.mark.parametrize("count", [1, 3, 0])
def test_any_number_of_images(attack: PGD, count: int) -> None:
    images, labels = torch.rand(count, 3, 10, 10), torch.arange(count) % 4
    for variant in _VARIANTS:
        assert replace(attack, **variant)(_network(), images, labels).shape == images.shape


@attacks
def test_with_radius__keeps_the_proportions(attack: PGD) -> None:
    other = attack.with_radius(attack.ball.radius * 3)
    assert other.ball.radius == attack.ball.radius * 3
    assert other.step_size == pytest.approx(attack.step_size * 3)
    images, labels = _batch()
    none = attack.with_radius(0.0)
    assert torch.equal(none(_network(), images, labels), images)


@pytest.mark.parametrize("steps", [1, 20, 100])
def test_published_pgd__covers_two_and_a_half_radii_from_the_image_itself(steps: int) -> None:
    attack = published_pgd(L2Ball(0.8), steps)
    assert attack.step_size * steps == pytest.approx(2.5 * 0.8)
    assert (attack.random_start, attack.keep_best, attack.restarts) == (False, True, 1)
    with pytest.raises(InvalidValueError, match=r"ball\.radius"):
        published_pgd(L2Ball(0.0))


class _Confident(nn.Module):
    """Two classes by the sum of the pixels; the wrong one has a probability of some 1e-7."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(192, 2, bias=False)
        nn.init.constant_(self.linear.weight[0], 0.044)
        nn.init.constant_(self.linear.weight[1], -0.044)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.linear(images.flatten(1))
        return logits


@attacks
def test_float16__gradients_of_confident_answers_are_not_zero(attack: PGD) -> None:
    images, labels = torch.full((2, 3, 8, 8), 0.95), torch.tensor([0, 0])
    network = _Confident()
    wanted = attack(network, images, labels)
    with torch.autocast("cpu", torch.float16):
        found = attack(network, images, labels)
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=0.0)
    assert float((wanted - images).abs().max()) > 0.03


def test_float16__an_overflow_of_one_image_spoils_no_other() -> None:
    """The gradient of the second image is large, and that of the first is smaller than the smallest float16."""
    images, labels = torch.full((2, 3, 8, 8), 0.95), torch.tensor([0, 1])
    network = _Confident()

    def steep(seen: Tensor) -> Tensor:
        half = seen.half()
        half.register_hook(lambda gradient: gradient * gradient.new_tensor([1.0, 6e4]).view(-1, 1, 1, 1))
        logits: Tensor = network(half)
        return logits

    once = replace(_L2, steps=1, keep_best=False)
    wanted = once(network, images, labels)
    with torch.autocast("cpu", torch.float16):
        found = once(steep, images, labels)
    torch.testing.assert_close(found[0], wanted[0], atol=1e-3, rtol=0.0)
    assert bool(found.isfinite().all())
    assert float((found[1] - images[1]).abs().max()) > 0.01
