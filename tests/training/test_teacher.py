import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.attacks.attack import Attack, Model, NoAttack
from rnst.attacks.ball import Ball, L2Ball
from rnst.attacks.loss import CrossEntropy
from rnst.attacks.pgd import PGD
from rnst.data.facts import DataFacts
from rnst.data.imagenet import IMAGENET
from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import write_weights
from rnst.errors import InvalidValueError
from rnst.training.robust_classifier import RobustClassifier
from rnst.training.teacher import SoftLabels, Teacher

_CLASSES = ["x", "y", "z"]
_MEAN, _STD = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]
_FACTS = DataFacts("photos", (), 16)
_PGD = PGD(L2Ball(1.0), steps=3, step_size=0.5)


@pytest.fixture
def network() -> nn.Module:
    """A network that answers differently to different images."""
    torch.manual_seed(7)
    network = build_classifier("tiny_resnet", 3)
    for _ in range(5):
        network.train()(torch.randn(8, 3, 16, 16))
    with torch.no_grad():
        network.get_submodule("classifier").weight.mul_(20)  # type: ignore[operator] # a parameter
    return network.eval()


@pytest.fixture
def file(network: nn.Module, tmp_path: Path) -> str:
    path = tmp_path / "teacher.safetensors"
    facts = {"architecture": "tiny_resnet", "classes": _CLASSES, "mean": _MEAN, "std": _STD}
    write_weights(path, network.state_dict(), facts)
    return str(path)


def _task(file: str, attack: Any = _PGD, *, temperature: float = 1.0, **options: Any) -> RobustClassifier:
    torch.manual_seed(0)
    teacher = Teacher(file, image_size=24, temperature=temperature)
    settings = {"architecture": "tiny_resnet", "evaluation": attack, "teacher": teacher, **options}
    return RobustClassifier(_FACTS, attack, **settings)


def _logged(task: RobustClassifier, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What steps outside of a Trainer log."""
    logged: dict[str, Any] = {}
    monkeypatch.setattr(task, "log", lambda name, value, **_: logged.update({name: value}))
    return logged


def _batch() -> tuple[Tensor, Tensor, Tensor]:
    large = torch.rand(6, 3, 24, 24)
    return F.interpolate(large, (16, 16), mode="area"), torch.zeros(6, dtype=torch.long), large


def _divergence(logits: Tensor, target: Tensor, temperature: float) -> Tensor:
    """T^2 KL(target || softmax(logits / T)) of each image, written out."""
    answers = (logits / temperature).softmax(1)
    return temperature**2 * (target * (target.log() - answers.log())).sum(1)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_labels__are_the_probabilities_behind_the_teachers_own_normalization(
    network: nn.Module, file: str, temperature: float
) -> None:
    images = torch.rand(5, 3, 24, 24)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
    with torch.no_grad():
        expected = (network((images - mean) / std) / temperature).softmax(1)
    found = SoftLabels(Teacher(file, temperature=temperature))(images)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not found.requires_grad
    assert expected.std(0).min() > 0.001, "the network tells images apart"


def test_the_teacher_sees_the_crop_at_its_own_size_before_the_attack(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, (images, labels, large) = _task(file), _batch()
    _logged(task, monkeypatch)
    seen: list[Tensor] = []
    assert task._soft_labels is not None
    classifier, answer = task._soft_labels, SoftLabels.__call__

    def watched(self: SoftLabels, shown: Tensor, keys: Tensor | None = None) -> Tensor:
        seen.append(shown.clone())
        return answer(self, shown, keys)

    monkeypatch.setattr(SoftLabels, "__call__", watched)
    expected = classifier(large)
    seen.clear()
    _, found = task.labeled((images, labels, large))
    task.training_step((images, labels, large), 0)
    task.eval().validation_step((images, labels, large), 0)
    assert len(seen) == 3
    assert all(torch.equal(shown, large) for shown in seen)
    assert torch.equal(found, expected)


def test_keys__each_image_is_labeled_once(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, images = SoftLabels(Teacher(file)), torch.rand(4, 3, 32, 32)
    labeled: list[int] = []
    predicted = SoftLabels._predicted

    def counted(self: SoftLabels, shown: Tensor) -> Tensor:
        labeled.append(len(shown))
        return predicted(self, shown)

    monkeypatch.setattr(SoftLabels, "_predicted", counted)
    first = labels(images[:3], torch.tensor([7, 3, 5]))
    with torch.autocast("cpu", torch.bfloat16):  # in which float16 cannot be stacked
        again = labels(images[[1, 3, 0]], torch.tensor([3, 9, 7]))
    assert labeled == [3, 1], "only the image whose key is new"
    assert torch.equal(again[[0, 2]], first[[1, 0]])
    torch.testing.assert_close(torch.cat([first, again[1:2]]), labels(images), atol=1e-2, rtol=0)


def test_classes__are_the_teachers(file: str, tmp_path: Path) -> None:
    assert _task(file).data.class_names == tuple(_CLASSES)
    names = {3: ("0", "1", "2"), 1000: tuple(IMAGENET)}
    for classes, expected in names.items():
        path = tmp_path / "silent.safetensors"
        write_weights(path, build_classifier("tiny_vgg", classes).state_dict(), {})
        assert SoftLabels(Teacher("tiny_vgg", weights=str(path))).class_names == expected


def test_no_classes_and_no_teacher(file: str) -> None:
    with pytest.raises(InvalidValueError, match=r"data\.classes.*model\.teacher") as refused:
        RobustClassifier(_FACTS, _PGD, architecture="tiny_resnet")
    assert "\n" not in str(refused.value)
    RobustClassifier(_FACTS, _PGD, architecture="tiny_resnet", teacher=Teacher(file))


@pytest.mark.parametrize(("name", "value"), [("image_size", 0), ("temperature", 0.0), ("temperature", -1.0)])
def test_values_that_mean_nothing(name: str, value: float) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(InvalidValueError, match=rf"model\.teacher\.{name}"):
        Teacher("resnet18", **options)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_loss_and_weight_gradients_are_those_of_the_divergence_times_the_square(
    file: str, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    task, other = (_task(file, NoAttack(), temperature=temperature).train() for _ in range(2))
    logged, batch = _logged(task, monkeypatch), _batch()
    task.training_step(batch, 0).backward()
    images, target = other.labeled(batch)
    loss = _divergence(other(images), target, temperature).mean()
    loss.backward()
    assert logged["train/loss"].item() == pytest.approx(loss.item(), rel=1e-4)
    for found, expected in zip(task.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-3, atol=1e-5)


@dataclass(frozen=True)
class _Watcher(Attack):
    """Changes nothing and keeps the gradient of the loss that it would climb."""

    ball: Ball = L2Ball(1.0)
    gradients: list[Tensor] = field(default_factory=list)

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:
        seen = images.clone().requires_grad_()
        with torch.enable_grad():
            CrossEntropy().prepared(model, seen, labels)(model(seen)).sum().backward()
        assert seen.grad is not None
        self.gradients.append(seen.grad)
        return images


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_attack_and_evaluation__climb_the_divergence(
    file: str, monkeypatch: pytest.MonkeyPatch, temperature: float
) -> None:
    """The gradient that an attack gets is that of the divergence, but for the factor, which no attack looks at."""
    watcher, batch = _Watcher(), _batch()
    task = _task(file, watcher, temperature=temperature).eval()
    _logged(task, monkeypatch)
    task.training_step(batch, 0)
    task.validation_step(batch, 0)
    images, target = task.labeled(batch)
    seen = images.clone().requires_grad_()
    _divergence(task(seen), target, temperature).sum().backward()
    assert seen.grad is not None
    assert len(watcher.gradients) == 2
    for gradient in watcher.gradients:
        torch.testing.assert_close(temperature**2 * gradient, seen.grad, rtol=1e-3, atol=1e-5)
    with torch.no_grad():
        attacked = _divergence(task(task._attacked(_PGD, images, target)), target, temperature)
        assert (attacked > _divergence(task(images), target, temperature)).all()


def test_logged_loss__is_zero_for_a_student_that_is_the_teacher_and_positive_otherwise(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = torch.rand(6, 3, 24, 24)
    batch = (images, torch.zeros(6, dtype=torch.long), images)
    for weights, attack in ((file, NoAttack()), (file, _PGD), (None, NoAttack())):
        task = _task(file, attack, weights=weights).eval()
        logged = _logged(task, monkeypatch)
        loss = task.training_step(batch, 0).item()
        assert loss == logged["train/loss"].item()
        if weights and attack == NoAttack():
            assert loss == pytest.approx(0.0, abs=1e-5)
        else:
            assert loss > 1e-3


def test_accuracies_count_agreement_with_the_teachers_first_class(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.rand(12, 3, 24, 24)
    labels = torch.zeros(12, dtype=torch.long)
    twin = _task(file, NoAttack(), weights=file).eval()
    logged = _logged(twin, monkeypatch)
    _, target = twin.labeled((images, labels, images))
    twin.training_step((images, labels, images), 0)
    assert logged["train/accuracy_attacked"] == 1.0
    assert twin.accuracy_under(NoAttack(), images, target) == 1.0
    twin.validation_step((images, labels, images), 0)
    assert twin.clean_accuracy.compute() == 1.0
    other = _task(file, NoAttack()).eval()
    _logged(other, monkeypatch)
    other.validation_step((images, labels, images), 0)
    expected = (other(images).argmax(1) == target.argmax(1)).float().mean()
    assert other.clean_accuracy.compute() == expected
    assert other.accuracy_under(NoAttack(), images, target) == expected


def test_no_tensor_of_the_teacher_is_kept(file: str) -> None:
    plain = RobustClassifier(
        DataFacts("photos", tuple(_CLASSES), 16), _PGD, architecture="tiny_resnet", evaluation=_PGD
    )
    task = _task(file)
    task.labeled(_batch())
    assert task.state_dict().keys() == plain.state_dict().keys()
    assert len(list(task.parameters())) == len(list(plain.parameters()))
    assert len(list(task.modules())) == len(list(plain.modules()))


def test_facts__say_which_teacher(file: str) -> None:
    facts = _task(file, weights=file).facts()
    assert json.loads(json.dumps(facts)) == facts
    expected = {"network": "teacher.safetensors", "weights": None, "image_size": 24, "temperature": 1.0}
    assert facts["teacher"] == expected, "a published file names no folder of the machine"
    assert facts["started_from"] == "teacher.safetensors"
    assert facts["classes"] == _CLASSES
