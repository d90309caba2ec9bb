import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.attacks.ball import L2Ball
from rnst.attacks.loss import CleanDivergence
from rnst.attacks.pgd import PGD
from rnst.errors import InvalidValueError
from rnst.training.losses import AdversarialLoss, TradesLoss


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)).train()


def _batch() -> tuple[Tensor, Tensor, Tensor]:
    images = torch.rand(6, 3, 8, 8)
    return images, (images + 0.1 * torch.randn_like(images)).clamp(0, 1), torch.arange(6) % 3


def test_adversarial__is_the_cross_entropy_of_the_adversarial_images(network: nn.Module) -> None:
    images, adversarial, labels = _batch()
    alone = copy.deepcopy(network)
    loss, logits = AdversarialLoss(label_smoothing=0.1)(network, images, adversarial, labels)
    torch.testing.assert_close(loss, F.cross_entropy(alone(adversarial), labels, label_smoothing=0.1))
    assert logits.shape == (6, 3)
    for found, expected in zip(network.buffers(), alone.buffers(), strict=True):
        torch.testing.assert_close(found, expected)


def test_class_weights__count_each_photo_by_its_class(network: nn.Module) -> None:
    images, adversarial, labels = _batch()
    weights = torch.tensor([3.0, 0.0, 1.0])
    loss, logits = AdversarialLoss(class_weights=(3.0, 0.0, 1.0))(network, images, adversarial, labels)
    torch.testing.assert_close(loss, (weights[labels] * F.cross_entropy(logits, labels, reduction="none")).mean())


def test_class_weights__halves_of_a_batch_have_the_gradient_of_the_whole(network: nn.Module) -> None:
    """As on two devices, whose gradients are averaged; the halves hold different classes."""
    images, adversarial, labels = _batch()
    labels, loss = labels.sort().values, AdversarialLoss(class_weights=(5.0, 1.0, 0.5))
    network.eval()
    whole = loss(network, images, adversarial, labels)[0]
    halves = [loss(network, images[part], adversarial[part], labels[part])[0] for part in (slice(3), slice(3, 6))]
    torch.testing.assert_close(sum(halves) / 2, whole)


def test_trades__is_the_sum_of_the_paper_by_hand(network: nn.Module) -> None:
    images, adversarial, labels = _batch()
    other = copy.deepcopy(network)
    loss, logits = TradesLoss(beta=2.0)(network, images, adversarial, labels)
    clean, attacked = other(images), other(adversarial)
    ratio = clean.log_softmax(1) - attacked.log_softmax(1)
    expected = F.cross_entropy(clean, labels) + 2.0 * (clean.softmax(1) * ratio).sum(1).mean()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(logits, attacked)
    loss.backward()
    expected.backward()
    for found, wanted in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(found.grad, wanted.grad)
    for buffer, moved in zip(network.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(buffer, moved, msg="statistics of two passes, clean then adversarial")


def test_trades__without_an_attack_it_is_ordinary_training(network: nn.Module) -> None:
    images, _, labels = _batch()
    loss, _ = TradesLoss(beta=100.0)(network.eval(), images, images, labels)
    torch.testing.assert_close(loss, F.cross_entropy(network(images), labels))


def test_trades__its_attack_raises_its_loss(network: nn.Module) -> None:
    images, _, labels = _batch()
    attack = PGD(L2Ball(0.5), steps=5, step_size=0.2, random_start=True, loss=CleanDivergence())
    adversarial = attack(network.eval(), images, labels)
    loss, calm = (TradesLoss()(network, images, seen, labels)[0] for seen in (adversarial, images))
    assert loss > calm + 1e-3


def test_a_wrong_setting_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="label_smoothing"):
        TradesLoss(label_smoothing=1.0)
    with pytest.raises(InvalidValueError, match=r"class_weights.*3 numbers"):
        AdversarialLoss(class_weights=(1.0, 2.0)).check(3)
