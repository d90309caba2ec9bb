import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from rnst.attacks.attack import Attack, Model, NoAttack
from rnst.attacks.ball import Ball, L2Ball
from rnst.attacks.pgd import PGD
from rnst.data.facts import DataFacts
from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.conversion import count_classes, read_with_facts
from rnst.encoders.weights.files import read_weights, write_weights
from rnst.errors import InvalidValueError
from rnst.training.losses import AdversarialLoss
from rnst.training.recipe import Recipe
from rnst.training.robust_classifier import RobustClassifier

_FACTS = DataFacts("tiny", ("a", "b", "c"), 32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
_PGD = PGD(L2Ball(1.0), steps=2, step_size=0.6)


@dataclass
class _Seen:
    """What happened when the attack ran."""

    radii: list[float] = field(default_factory=list)
    logits: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class _Painter(Attack):
    """Makes every image the darker by half and writes down what it sees."""

    ball: Ball = L2Ball(8.0)
    seen: _Seen = field(default_factory=_Seen)
    fails: bool = False

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002 - it takes every class
        self.seen.radii.append(self.ball.radius)
        self.seen.logits.append(model(images).detach())
        if self.fails:
            raise RuntimeError("no attack today")
        return images * 0.5


def _task(attack: Attack, evaluation: Attack | None = None, **options: Any) -> RobustClassifier:
    torch.manual_seed(0)
    return RobustClassifier(_FACTS, attack, evaluation or NoAttack(), **{"architecture": "resnet18", **options})


def _silent(task: RobustClassifier, monkeypatch: pytest.MonkeyPatch) -> RobustClassifier:
    """For steps outside of a Trainer, where there is nothing to log to."""
    monkeypatch.setattr(task, "log", lambda *_, **__: None)
    return task


def _batch(count: int = 6, side: int = 32) -> tuple[Tensor, Tensor]:
    return torch.rand(count, 3, side, side), torch.arange(count) % 3


def _loader(side: int = 32) -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(TensorDataset(*_batch(side=side)), batch_size=3)


def _trainer(folder: Path, **options: Any) -> pl.Trainer:
    settings = {"max_epochs": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(default_root_dir=folder, accelerator="cpu", enable_checkpointing=False, **{**settings, **options})


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_attack_sees_the_eval_mode_and_the_network_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch, *, training: bool, fails: bool
) -> None:
    painter, (images, labels) = _Painter(fails=fails), _batch()
    task = _silent(_task(painter, painter), monkeypatch)
    with torch.no_grad():
        task.train()(images)  # so that eval mode has statistics
        expected = task.eval()(images)
    task.train(training)
    modes = [module.training for module in task.modules()]
    try:
        task.training_step((images, labels), 0)
    except RuntimeError:
        assert fails
    torch.testing.assert_close(painter.seen.logits[0], expected, rtol=1e-4, atol=1e-5)
    assert [module.training for module in task.modules()] == modes
    assert all(parameter.requires_grad for parameter in task.parameters())


def test_batch_statistics_come_from_the_adversarial_batch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = _batch()
    task = _silent(_task(_Painter()), monkeypatch).train()
    alone = copy.deepcopy(task.network)
    task.training_step((images, labels), 0)
    alone((images * 0.5 - task.mean) / task.std)
    for (name, expected), (_, found) in zip(alone.named_buffers(), task.network.named_buffers(), strict=True):
        torch.testing.assert_close(found, expected, msg=name)


def test_batch_statistics_stay_in_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    task = _silent(_task(_PGD, _PGD), monkeypatch).eval()
    before = {name: buffer.clone() for name, buffer in task.network.named_buffers()}
    task.validation_step(_batch(), 0)
    assert all(torch.equal(buffer, before[name]) for name, buffer in task.network.named_buffers())


def test_weight_gradients_are_those_of_the_adversarial_loss_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = _batch()
    images = images.double()  # so that the attacks, one on a copy of the network, find the same images
    task = _silent(_task(_PGD, loss=AdversarialLoss(label_smoothing=0.1)), monkeypatch).train().double()
    other = _silent(_task(NoAttack(), loss=AdversarialLoss(label_smoothing=0.1)), monkeypatch).train().double()
    task.training_step((images, labels), 0).backward()
    adversarial = _PGD(other.eval(), images, labels)
    assert not torch.equal(adversarial, images)
    assert all(parameter.grad is None for parameter in other.parameters())
    F.cross_entropy(other.train()(adversarial), labels, label_smoothing=0.1).backward()
    for found, expected in zip(task.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-4, atol=1e-6)  # the loss itself is in float32


@pytest.mark.parametrize("side", [16, 32, 64])
def test_radius_is_scaled_by_the_size_of_the_images(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    training, evaluation = _Painter(), _Painter(L2Ball(2.0))
    task = _silent(_task(training, evaluation), monkeypatch)
    task.training_step(_batch(side=side), 0)
    task.eval().validation_step(_batch(side=side), 0)
    assert training.seen.radii == [8.0 * side / 32]
    assert evaluation.seen.radii == [2.0 * side / 32]


@pytest.mark.parametrize("inference_mode", [True, False])
def test_evaluation_works_in_every_loop(tmp_path: Path, *, inference_mode: bool) -> None:
    """Lightning validates a fit under no_grad, and the rest under inference_mode."""
    task, trainer = _task(_PGD, _PGD), _trainer(tmp_path, inference_mode=inference_mode)
    trainer.fit(task, _loader(), _loader())
    logged = [set(trainer.callback_metrics)]
    trainer.validate(task, _loader(), verbose=False)
    trainer.test(task, _loader(), verbose=False)
    logged.append(set(trainer.callback_metrics))
    assert {"val/accuracy_clean", "val/accuracy_attacked", "train/loss"} <= logged[0]
    assert {"test/accuracy_clean", "test/accuracy_attacked"} <= logged[1]


def test_accuracies_are_counted_over_all_batches(tmp_path: Path) -> None:
    task, (images, labels) = _task(_PGD, _PGD), _batch(7)
    with torch.no_grad():
        for _ in range(3):
            task.train()(images)  # so that eval mode has statistics
    task.eval()
    loader = DataLoader(TensorDataset(images, labels), batch_size=3)  # the last batch is a small one
    (found,) = _trainer(tmp_path).test(task, loader, verbose=False)
    adversarial = _PGD(task, images, labels)
    for name, seen in (("clean", images), ("attacked", adversarial)):
        with torch.no_grad():
            expected = (task(seen).argmax(1) == labels).double().mean().item()
        assert found[f"test/accuracy_{name}"] == pytest.approx(expected)


def test_no_attack_equals_clean_training(tmp_path: Path) -> None:
    recipe = Recipe(learning_rate=0.05, schedule="constant")
    task = _task(NoAttack(), recipe=recipe)
    plain: nn.Module = copy.deepcopy(task.network).train()
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    loader = _loader()
    for images, labels in loader:
        optimizer.zero_grad()
        F.cross_entropy(plain((images - task.mean) / task.std), labels).backward()
        optimizer.step()
    _trainer(tmp_path).fit(task, loader, _loader())
    for found, expected in zip(task.network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found, expected)


def test_the_network_sees_normalized_images() -> None:
    task = _task(NoAttack()).eval()
    images, _ = _batch()
    expected = task.network(
        (images - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)
    )
    torch.testing.assert_close(task(images), expected)
    assert all(name.startswith("network.") for name in task.state_dict()), "statistics travel in the facts"


def test_facts_are_plain_values() -> None:
    facts = _task(_PGD).facts()
    assert json.loads(json.dumps(facts)) == facts
    assert facts == {
        "architecture": "resnet18",
        "classes": ["a", "b", "c"],
        "data": "tiny",
        "image_size": 32,
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.3, 0.4],
        "crop": "resized",
        "attack": str(_PGD),
        "norm": "l2",
        "radius": 1.0,
        "steps": 2,
        "loss": str(AdversarialLoss()),
    }
    assert _task(NoAttack()).facts()["radius"] == _task(NoAttack()).facts()["steps"] == 0


def test_a_checkpoint__tells_its_facts_by_itself(tmp_path: Path) -> None:
    task, trainer = _task(_PGD), _trainer(tmp_path)
    trainer.fit(task, _loader(), _loader())
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    state, facts = read_weights(tmp_path / "last.ckpt")
    assert facts == json.loads(json.dumps(task.facts()))
    assert facts["mean"] == [0.5, 0.4, 0.3]
    assert state.keys() == task.network.state_dict().keys()
    read, told = read_with_facts(tmp_path / "last.ckpt", None)  # what rnst convert and rnst evaluate see
    assert (told["classes"], told["std"], count_classes(read)) == (["a", "b", "c"], [0.2, 0.3, 0.4], 3)


def test_evaluation_follows_the_attack_unless_given() -> None:
    """The protocol of the published tables: 20 steps, each 2.5 radii / 20 long."""
    task = RobustClassifier(_FACTS, _PGD, architecture="resnet18")
    assert task.evaluation == PGD(L2Ball(1.0), steps=20, step_size=2.5 / 20)
    assert _task(_PGD, NoAttack()).evaluation == NoAttack()
    with pytest.raises(InvalidValueError, match=r"model\.evaluation"):
        RobustClassifier(_FACTS, NoAttack(), architecture="resnet18")


def test_radius_warmup__grows_from_step_to_step(tmp_path: Path) -> None:
    painter = _Painter(L2Ball(8.0))
    task = _task(painter, radius_warmup_epochs=1.5)
    _trainer(tmp_path, max_epochs=2).fit(task, _loader(), _loader())
    assert painter.seen.radii == pytest.approx([8 / 3, 16 / 3, 8, 8])


class _Rates(pl.Callback):
    """The learning rate of every step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        self.seen.append(trainer.optimizers[0].param_groups[0]["lr"])


@pytest.mark.parametrize("limits", [{"max_epochs": 4, "max_steps": 5}, {"max_epochs": -1, "max_steps": 5}], ids=str)
def test_max_steps__ends_the_run_and_does_not_shorten_its_epochs(tmp_path: Path, limits: dict[str, int]) -> None:
    recipe = Recipe(learning_rate=0.1, schedule="step", milestones=(2,), warmup_epochs=1.0)
    rates = []
    for options in ({"max_epochs": 4}, limits):
        seen = _Rates()
        task = _task(NoAttack(), architecture="tiny_resnet", recipe=recipe)
        _trainer(tmp_path, callbacks=[seen], limit_val_batches=0, **options).fit(task, _loader(), _loader())
        rates.append(seen.seen)
    whole, cut = rates
    assert whole == pytest.approx([0.1 / 3, 0.2 / 3, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01])
    assert cut == whole[:5]


def test_gradient_clipping_bounds_the_step(tmp_path: Path) -> None:
    recipe = Recipe(learning_rate=1.0, momentum=0.0, weight_decay=0.0, schedule="constant")
    task = _task(_PGD, recipe=recipe)
    before = [parameter.detach().clone() for parameter in task.parameters()]
    _trainer(tmp_path, max_steps=1, gradient_clip_val=0.01, max_epochs=-1).fit(task, _loader(), _loader())
    moved = torch.cat([(new - old).flatten() for new, old in zip(task.parameters(), before, strict=True)])
    assert moved.norm().item() == pytest.approx(0.01, rel=1e-3)


def test_accuracy_under__attacks_in_eval_mode_and_puts_the_mode_back() -> None:
    images, labels = _batch()
    task = _task(_PGD).train()
    found = task.accuracy_under(_PGD, images, labels)
    assert task.network.training
    adversarial = _PGD(task.eval(), images, labels)
    assert found.item() == pytest.approx((task(adversarial).argmax(1) == labels).float().mean().item())


def test_samples__say_what_was_seen(tmp_path: Path) -> None:
    task = _task(_PGD, _Painter())
    _trainer(tmp_path).validate(task, _loader(), verbose=False)
    assert [sample.name for sample in task.samples] == ["a", "a"], "the first of each batch of three"
    for sample in task.samples:
        answers = [int(task.eval()(seen).argmax()) for seen in (sample.photo, sample.adversarial)]
        assert [sample.seen, sample.seen_attacked] == [_FACTS.class_names[answer] for answer in answers]


def test_weights__the_network_sees_images_normalized_as_the_file_says(tmp_path: Path) -> None:
    mean, std = [0.1, 0.2, 0.3], [0.6, 0.7, 0.8]
    network, path = build_classifier("tiny_resnet", 3).eval(), tmp_path / "start.safetensors"
    write_weights(path, network.state_dict(), {"classes": ["a", "b", "c"], "mean": mean, "std": std})
    task = _task(_PGD, architecture="tiny_resnet", weights=str(path)).eval()
    images, _ = _batch()
    normalized = (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(task(images), network(normalized))
    assert (task.facts()["mean"], task.facts()["std"]) == (mean, std), "and the exported file says so"
    write_weights(path, network.state_dict(), {})
    assert _task(_PGD, architecture="tiny_resnet", weights=str(path)).data == _FACTS, "a file that does not say"


def test_a_radius_that_reaches_every_image__is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"less than 41\.57, the diameter of 24-pixel images"):
        RobustClassifier(DataFacts("photos", ("a", "b"), 24), PGD(L2Ball(50.0)), architecture="tiny_resnet")
