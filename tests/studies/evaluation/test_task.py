from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from rnst.attacks.attack import Attack, Model
from rnst.attacks.ball import L2Ball
from rnst.attacks.pgd import PGD
from rnst.studies.evaluation.journal import Journal
from rnst.studies.evaluation.task import RobustnessTest


class _ByBrightness(nn.Module):
    """Class 1 where an image is bright: an L2 ball of radius r moves the sum by r times the root of the size."""

    def forward(self, images: Tensor) -> Tensor:
        margins = images.flatten(1).mean(1) - 0.5
        return torch.stack([-margins, margins], 1) * 20


def _tested(folder: Path, attacks: dict[str, Attack], batch_size: int = 5) -> RobustnessTest:
    # Each gray image and its distance to the border: margin * sqrt(48) for images of 4 by 4 by 3.
    margins = torch.tensor([-0.3, -0.2, -0.1, -0.01, 0.01, 0.1, 0.2, 0.3, 0.2])
    images = (0.5 + margins).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).contiguous()
    labels = (margins > 0).long()
    labels[-1] = 0  # answered wrongly as it is
    test = RobustnessTest(_ByBrightness(), 2, attacks, 0, lambda rank: Journal(folder / f"{rank}", {}))
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False, default_root_dir=folder
    )
    loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size)
    trainer.test(test, loader, verbose=False)
    (folder / "0").unlink()
    return test


def test_counts_equal_the_closed_form(tmp_path: Path) -> None:
    """A linear classifier falls exactly where the radius reaches the border: margins 0.1 are 0.69 away, 0.2 1.39."""
    attacks: dict[str, Attack] = {
        f"{radius}": PGD(L2Ball(radius), 20, radius / 8, random_start=True) for radius in (0.6, 0.8, 1.3, 1.5)
    }
    test = _tested(tmp_path, attacks)
    assert test.photos_of_class == [5, 4]
    assert test.right_of_class == {"clean": [4, 4], "0.6": [3, 3], "0.8": [2, 2], "1.3": [2, 2], "1.5": [1, 1]}
    assert test.seen == 9


def _noted(starts: list[Tensor]) -> Attack:
    """An attack that writes down what it could draw."""

    class Noted(PGD):
        def __call__(self, model: Model, images: Tensor, labels: Tensor, radii: Tensor | None = None) -> Tensor:
            starts.append(torch.rand(1))
            return super().__call__(model, images, labels, radii)

    return Noted(L2Ball(1.0), 1, 1.0)


def test_attacks_whose_names_have_the_same_letters_draw_different_numbers(tmp_path: Path) -> None:
    starts = list[Tensor]()
    noted = _noted(starts)
    _tested(tmp_path, {"PGD-20 0.12": noted, "PGD-20 0.21": noted, "PGD-10 0.22": noted}, batch_size=9)
    assert len({float(start) for start in starts}) == 3


def test_an_attack_finds_the_same_whatever_else_is_measured(tmp_path: Path) -> None:
    starts = list[Tensor]()
    noted = _noted(starts)
    _tested(tmp_path, {"b": noted})
    _tested(tmp_path, {"a": PGD(L2Ball(1.0), 2, 1.0, random_start=True), "b": noted})
    assert len(starts) == 4
    assert starts[0] == starts[2] != starts[1] == starts[3]


@pytest.mark.parametrize("batch_size", [1, 9])
def test_batch_size_changes_nothing(tmp_path: Path, batch_size: int) -> None:
    attack = PGD(L2Ball(0.8), 20, 0.1)
    assert _tested(tmp_path, {"a": attack}, batch_size).right_of_class["a"] == [2, 2]
