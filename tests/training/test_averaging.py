import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from rnst.errors import InvalidValueError
from rnst.training.averaging import AveragedWeights


class _Task(pl.LightningModule):
    """A linear net with normalization that writes down its weights after each step and in each validation."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        self.trained: list[dict[str, Tensor]] = []
        self.validated: list[dict[str, Tensor]] = []

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
        loss: Tensor = self.network(batch[0]).square().mean()
        return loss

    def on_train_batch_end(self, *_: object) -> None:
        self.trained.append(copy.deepcopy(self.network.state_dict()))

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:  # noqa: ARG002 - a hook
        self.validated.append(copy.deepcopy(self.network.state_dict()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.3, momentum=0.9)


class _Keep(pl.Callback):
    """A checkpoint of each epoch."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - a hook
        trainer.save_checkpoint(Path(trainer.default_root_dir) / f"{trainer.current_epoch}.ckpt")


def _fit(
    folder: Path, decay: float, epochs: int = 2, resume: Path | None = None, more: Sequence[pl.Callback] = ()
) -> _Task:
    generator = torch.Generator().manual_seed(1)
    photos = DataLoader(TensorDataset(torch.randn(12, 4, generator=generator)), batch_size=4)
    options: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(
        default_root_dir=folder,
        accelerator="cpu",
        max_epochs=epochs,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        callbacks=[AveragedWeights(decay), _Keep(), *more],
        **options,
    )
    task = _Task()
    trainer.fit(task, photos, photos, ckpt_path=resume, weights_only=True)
    return task


def test_the_average_is_validated_and_stays_at_the_end(tmp_path: Path) -> None:
    task = _fit(tmp_path, decay=0.25)
    average = task.trained[0]
    for number, state in enumerate(task.trained[1:], start=1):
        decay = min(0.25, (1 + number) / (10 + number))
        average = {name: decay * average[name] + (1 - decay) * value for name, value in state.items()}
        if number in (2, 5):
            shown = task.validated[number // 3 * 3]
            torch.testing.assert_close(shown["0.weight"], average["0.weight"])
            torch.testing.assert_close(shown["1.running_mean"], average["1.running_mean"])
    for name, tensor in task.network.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, average[name], msg=name)
    assert not torch.equal(task.network.state_dict()["0.weight"], task.trained[-1]["0.weight"])
    assert int(task.network[1].num_batches_tracked) == 6  # type: ignore[arg-type]


def test_a_resumed_training_goes_on_with_both(tmp_path: Path) -> None:
    whole = _fit(tmp_path / "whole", decay=0.9, epochs=3)
    parts = _fit(tmp_path / "parts", decay=0.9, epochs=3, resume=tmp_path / "whole" / "0.ckpt")
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(parts.network.state_dict()[name], tensor), name
    for name, tensor in whole.trained[-1].items():
        assert torch.equal(parts.trained[-1][name], tensor), name


def test_a_finished_training_that_is_resumed__keeps_the_average(tmp_path: Path) -> None:
    first = _fit(tmp_path, 0.9)
    again = _fit(tmp_path, 0.9, resume=tmp_path / "1.ckpt")
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name]), name


def test_a_checkpoint_amid_a_validation__holds_average_and_trained_weights_in_their_places(tmp_path: Path) -> None:
    class Amid(pl.Callback):
        def on_validation_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
            trainer.save_checkpoint(tmp_path / "amid.ckpt")

    task = _fit(tmp_path, 0.9, epochs=1, more=[Amid()])
    amid = torch.load(tmp_path / "amid.ckpt", weights_only=True)  # noqa: TID251 - our own file
    for name, tensor in task.trained[-1].items():
        assert torch.equal(amid["current_model_state"][f"network.{name}"], tensor), name
        assert torch.equal(amid["state_dict"][f"network.{name}"], task.validated[-1][name]), name


@pytest.mark.parametrize("decay", [-0.5, 1.0, 2.0])
def test_a_decay_that_is_none(decay: float) -> None:
    with pytest.raises(InvalidValueError, match="--ema"):
        AveragedWeights(decay)
