from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from rnst.attacks.attack import Attack, Model, NoAttack
from rnst.attacks.ball import Ball, L2Ball
from rnst.attacks.pgd import PGD
from rnst.data.facts import DataFacts
from rnst.errors import InvalidValueError
from rnst.training.overfitting import MonitorSettings, OverfittingMonitor, has_collapsed
from rnst.training.recipe import Recipe
from rnst.training.robust_classifier import RobustClassifier

_HEAD = "network.2.weight"


@dataclass(frozen=True)
class _Feeble(Attack):
    """Has a ball, and does nothing with it: a network that resists it resists no real attack."""

    ball: Ball = L2Ball(12.0)

    def __call__(self, model: Model, images: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002 - an attack
        return images


class _Colors(pl.LightningDataModule):
    """Two colors, noisy: learned within a few steps."""

    def _loader(self, *, shuffle: bool) -> DataLoader[Any]:
        labels = torch.arange(32) % 2
        generator = torch.Generator().manual_seed(2)
        images = 0.3 + 0.3 * labels.view(-1, 1, 1, 1) + 0.05 * torch.randn(32, 3, 24, 24, generator=generator)
        return DataLoader(TensorDataset(images, labels), batch_size=8, shuffle=shuffle)

    def train_dataloader(self) -> DataLoader[Any]:
        torch.manual_seed(7)
        return self._loader(shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        return self._loader(shuffle=False)


@pytest.fixture(autouse=True)
def _small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees the mean color: learned in a few steps, and fooled by a shift of the color."""

    def build(_architecture: str, classes: int) -> nn.Module:
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes))

    monkeypatch.setattr("rnst.training.robust_classifier.build_classifier", build)


def _fit(
    folder: Path, attack: Attack, settings: MonitorSettings, epochs: int = 6
) -> tuple[RobustClassifier, OverfittingMonitor, list[str], pl.Trainer]:
    torch.manual_seed(0)
    facts = DataFacts("colors", ("a", "b"), 24)
    recipe = Recipe(learning_rate=0.05, schedule="constant")
    task = RobustClassifier(facts, attack, NoAttack(), architecture="resnet18", recipe=recipe)
    said: list[str] = []
    monitor = OverfittingMonitor(settings, folder / "checkpoints" / "last_good.ckpt", said.append)
    options: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=epochs,
        limit_val_batches=0,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        callbacks=[monitor],
        **options,
    )
    trainer.fit(task, datamodule=_Colors())
    return task, monitor, said, trainer


@pytest.mark.parametrize(
    ("own", "pgd", "collapsed"),
    [(0.9, 0.0, True), (0.5, 0.2, True), (0.5, 0.3, False), (0.05, 0.0, False), (0.0, 0.0, False), (0.3, 0.29, False)],
)
def test_has_collapsed(own: float, pgd: float, collapsed: bool) -> None:  # noqa: FBT001 - a parameter
    assert has_collapsed(own, pgd, 256, 10) is collapsed


def test_has_collapsed__chance_is_no_collapse() -> None:
    assert not has_collapsed(0.25, 0.0, 8, 10)
    assert has_collapsed(0.25, 0.0, 256, 10)
    assert not has_collapsed(0.5, 0.0, 256, 2), "an untrained network guesses, and every attack fools it"


def test_a_network_that_resists_its_own_attack_alone_is_stopped(tmp_path: Path) -> None:
    settings = MonitorSettings(every=1, photos=32, steps=5, stop=True)
    task, monitor, said, trainer = _fit(tmp_path, _Feeble(), settings)
    assert monitor.collapsed_at is not None
    assert monitor.last_good_step is not None
    assert monitor.last_good_step < monitor.collapsed_at == trainer.global_step < 24
    assert len(said) == 1
    assert f"catastrophic overfitting at step {monitor.collapsed_at}" in said[0]
    assert f"the state of step {monitor.last_good_step} is kept" in said[0]

    corrupted = task.state_dict()[_HEAD].detach().clone()
    assert monitor.restore(trainer, task)
    assert not torch.equal(task.state_dict()[_HEAD], corrupted)
    state = torch.load(tmp_path / "checkpoints" / "last_good.ckpt", weights_only=True)  # noqa: TID251 - our own file
    assert torch.equal(task.state_dict()[_HEAD], state["state_dict"][_HEAD])
    assert state["global_step"] == monitor.last_good_step
    assert state["callbacks"]["OverfittingMonitor"]["last_good_step"] == monitor.last_good_step


def test_without_stop_it_is_only_said(tmp_path: Path) -> None:
    settings = MonitorSettings(every=2, photos=32, steps=5)
    task, monitor, said, trainer = _fit(tmp_path, _Feeble(), settings)
    assert trainer.global_step == 24
    assert len(said) == 1, "once"
    assert not monitor.restore(trainer, task)


def test_a_robust_training_is_left_alone__and_not_disturbed(tmp_path: Path) -> None:
    attack = PGD(L2Ball(0.2), steps=2, step_size=0.1)
    watched, monitor, said, _ = _fit(tmp_path, attack, MonitorSettings(every=2, photos=32, steps=5), epochs=2)
    alone, silent, _, _ = _fit(tmp_path, attack, MonitorSettings(), epochs=2)
    assert not said
    assert monitor.last_good_step == 8
    assert silent.last_good_step is None
    for name, tensor in alone.state_dict().items():
        assert torch.equal(watched.state_dict()[name], tensor), name


def test_no_radius_to_watch(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"monitor\.every"):  # before the first check is due
        _fit(tmp_path, NoAttack(), MonitorSettings(every=1000, photos=8))
    with pytest.raises(InvalidValueError, match=r"monitor\.photos"):
        MonitorSettings(photos=0)


def test_photos_are_attacked_in_batches_of_the_data__and_each_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, they would need more memory than the training does."""
    batches, found = list[int](), list[tuple[float, float, int]]()
    accuracy = RobustClassifier.accuracy_under

    def known(task: RobustClassifier, attack: Attack, images: Tensor, labels: Tensor) -> Tensor:
        accuracy(task, attack, images, labels)
        batches.append(len(labels))
        return torch.tensor({8: 0.5, 5: 1.0}[len(labels)])

    def noted(own: float, pgd: float, photos: int, classes: int) -> bool:  # noqa: ARG001 - as has_collapsed
        found.append((own, pgd, photos))
        return False

    monkeypatch.setattr(RobustClassifier, "accuracy_under", known)
    monkeypatch.setattr("rnst.training.overfitting.has_collapsed", noted)
    _fit(tmp_path, _Feeble(), MonitorSettings(every=4, photos=13, steps=1), epochs=1)
    assert batches == [8, 8, 5, 5], "the own attack and PGD"
    ((own, pgd, photos),) = found
    assert own == pytest.approx(9 / 13)
    assert pgd == pytest.approx(9 / 13)
    assert photos == 13
