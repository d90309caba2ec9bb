"""Our attacks and classes against those of the `robustness` package, on the same tensors."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnst.attacks.ball import Ball, L2Ball, LinfBall
from rnst.attacks.loss import AttackLoss, CrossEntropy, TargetedCrossEntropy
from rnst.attacks.pgd import PGD
from rnst.data.restricted_imagenet import RESTRICTED_IMAGENET
from tests.robustness_oracle import no_cuda, robustness, statistics

pytestmark = pytest.mark.slow

_MEAN, _STD = torch.tensor([0.4717, 0.4499, 0.3837]), torch.tensor([0.26, 0.2516, 0.2575])
_STEPS = {"l2": "L2Step", "linf": "LinfStep"}
_CONSTRAINTS = {"l2": "2", "linf": "inf"}

balls = pytest.mark.parametrize("ball", [L2Ball(0.5), LinfBall(0.06)], ids=lambda ball: ball.norm)


class _Classifier(nn.Module):
    """A small network with normalization inside, as our attacks want it; `network` alone is what the oracle wraps."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten()
        )
        self.network.append(nn.Linear(8 * 5 * 5, 9))
        with torch.no_grad():
            self.network(torch.randn(64, 3, 16, 16))  # gives its eval mode statistics
        self.to(torch.float64).eval()

    def forward(self, images: Tensor) -> Tensor:
        mean, std = (values.view(1, 3, 1, 1).to(images) for values in (_MEAN, _STD))
        logits: Tensor = self.network((images - mean) / std)
        return logits


def _images(count: int = 8, dtype: torch.dtype = torch.float32) -> Tensor:
    images = torch.rand(count, 3, 16, 16, dtype=dtype)
    images[0], images[1] = 0.0, 1.0  # at the borders of the box
    return images


def _step(ball: Ball, images: Tensor, step_size: float) -> Any:
    kind = getattr(robustness("attack_steps"), _STEPS[ball.norm])
    return kind(orig_input=images, eps=ball.radius, step_size=step_size)


def test_class_table_equals_its_ranges() -> None:
    """Its labels belong to positions among the 1000 sorted ids; ours are sorted ids, so position by position."""
    ranges = robustness("tools.constants").RESTRICTED_IMAGNET_RANGES
    at_position = {index: label for label, (first, last) in enumerate(ranges) for index in range(first, last + 1)}
    of_id = {wordnet_id: label for label, ids in enumerate(RESTRICTED_IMAGENET.values()) for wordnet_id in ids}
    assert [at_position[index] for index in sorted(at_position)] == [of_id[wordnet_id] for wordnet_id in sorted(of_id)]


def test_class_table_equals_its_label_mapping() -> None:
    """Its own function, on a list of 1000 folders that holds our ids where its ranges say."""
    constants, helpers = robustness("tools.constants"), robustness("tools.helpers")
    ranges = constants.RESTRICTED_IMAGNET_RANGES
    positions = sorted(index for first, last in ranges for index in range(first, last + 1))
    ids = sorted(wordnet_id for ids in RESTRICTED_IMAGENET.values() for wordnet_id in ids)
    folders = [f"other{index:03}" for index in range(1000)]
    for position, wordnet_id in zip(positions, ids, strict=True):
        folders[position] = wordnet_id
    numbers = {folder: index for index, folder in enumerate(folders)}
    _, labels = helpers.get_label_mapping("restricted_imagenet", ranges)(folders, numbers)
    expected = {key: label for label, ids in enumerate(RESTRICTED_IMAGENET.values()) for key in ids}
    assert {folder: label for folder, label in labels.items() if label >= 0} == expected


@balls
def test_step_and_projection_agree(ball: Ball) -> None:
    images, gradient, step_size = _images(), torch.randn(8, 3, 16, 16), ball.radius / 3
    gradient[2] = 0.0
    oracle = _step(ball, images, step_size)
    current = images
    for _ in range(5):  # the later ones leave the ball
        expected = oracle.project(oracle.step(current, gradient))
        found = current + step_size * ball.steepest(gradient) - images
        current = (images + ball.project(found)).clamp(0.0, 1.0)
        torch.testing.assert_close(current, expected, rtol=0.0, atol=2e-7)
    reached = (current - images).flatten(1)[3:]
    sizes = reached.norm(dim=1) if ball.norm == "l2" else reached.abs().amax(1)
    assert (sizes > ball.radius * 0.5).all()
    assert (sizes <= ball.radius * (1 + 1e-5)).all()


def test_start_in_the_cube_agrees() -> None:
    images, ball = _images(), LinfBall(0.06)
    torch.manual_seed(1)
    expected = _step(ball, images, 0.1).random_perturb(images)
    torch.manual_seed(1)
    found = (images + ball.random_start(images)).clamp(0.0, 1.0)
    torch.testing.assert_close(found, expected, rtol=0.0, atol=2e-7)


def test_start_in_the_l2_ball_has_its_direction_and_another_length() -> None:
    """Both draw a normal direction first. The oracle stops at the surface; ours is uniform inside."""
    images, ball = torch.full((8, 3, 4, 4), 0.5, dtype=torch.float64), L2Ball(0.3)  # far from the borders of the box
    torch.manual_seed(1)
    expected = _step(ball, images, 0.1).random_perturb(images) - images
    torch.manual_seed(1)
    found = ball.random_start(images)
    lengths = found.flatten(1).norm(dim=1)
    torch.testing.assert_close(expected.flatten(1).norm(dim=1), torch.full_like(lengths, 0.3))
    torch.testing.assert_close(found / lengths.view(-1, 1, 1, 1) * 0.3, expected)
    assert (lengths < 0.3).all()


def _attacker(model: _Classifier, *, border: bool) -> Any:
    """Its attacker around the same network.

    It clamps images before it normalizes them. Since torch 2.15 that clamp has no gradient at 0 and at 1 themselves, so
    black and white pixels stay where they are; with earlier releases they moved. Where images touch the `border`, the
    clamp, which changes no value, is taken out.
    """
    attacker = robustness("attacker").Attacker(model.network, statistics(_MEAN, _STD)).eval()
    if border:
        normalize = attacker.normalize
        attacker.normalize = nn.Identity()
        attacker.normalize.forward = lambda images: (images - normalize.new_mean) / normalize.new_std
    return attacker


@balls
@pytest.mark.parametrize("keep_best", [True, False])
@pytest.mark.parametrize("loss", [CrossEntropy(), TargetedCrossEntropy()], ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("border", [False, True])
def test_pgd_reaches_its_adversarial_images(ball: Ball, keep_best: bool, loss: AttackLoss, border: bool) -> None:  # noqa: FBT001
    model, images, labels = _Classifier(), _images(dtype=torch.float64), torch.arange(8) % 9
    images = images if border else images * 0.4 + 0.3  # so far from it that no pixel gets there
    attack = PGD(ball, steps=7, step_size=ball.radius / 3, keep_best=keep_best, loss=loss)
    with no_cuda():
        expected = _attacker(model, border=border)(
            images,
            labels,
            constraint=_CONSTRAINTS[ball.norm],
            eps=ball.radius,
            step_size=attack.step_size,
            iterations=attack.steps,
            use_best=keep_best,
            targeted=isinstance(loss, TargetedCrossEntropy),
        )
    found = attack(model, images, labels)
    assert ((found - images).flatten(1).abs().amax(1) > 0).all()
    torch.testing.assert_close(found, expected.detach(), rtol=0.0, atol=1e-7)
    assert border == bool(((found == 0.0) | (found == 1.0)).any())


def test_pgd_with_a_random_start_reaches_its_adversarial_images() -> None:
    """Only in the cube, where both draw the start alike."""
    model, images, labels, ball = _Classifier(), _images(dtype=torch.float64), torch.arange(8) % 9, LinfBall(0.06)
    settings = {"constraint": "inf", "eps": ball.radius, "step_size": 0.02, "iterations": 5, "random_start": True}
    torch.manual_seed(1)
    with no_cuda():
        expected = _attacker(model, border=True)(images, labels, **settings)
    torch.manual_seed(1)
    found = PGD(ball, steps=5, step_size=0.02, random_start=True)(model, images, labels)
    torch.testing.assert_close(found, expected.detach(), rtol=0.0, atol=1e-7)
