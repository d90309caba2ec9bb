from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from rnst.image.files import read_image
from rnst.stylization.snapshots import Snapshots
from rnst.training.attack_sample import AttackSample
from rnst.training.attack_sheets import AttackSheets, attack_sheet


def _train(snapshots: Snapshots, steps: int, first_step: int = 0, *, main_process: bool = True) -> None:
    """What a Trainer calls, with a picture that gets lighter."""
    for step in range(1, steps + 1):

        class _Task:
            def __init__(self) -> None:
                self.first_step = first_step

            def __call__(self, step: int = step) -> Tensor:
                return torch.full((1, 3, 8, 8), (first_step + step) / 100)

        trainer: Any = SimpleNamespace(global_step=step, is_global_zero=main_process)
        snapshots.on_train_batch_end(trainer, _Task())


def test_snapshots__each_so_many_steps(tmp_path: Path) -> None:
    _train(Snapshots(tmp_path / "new", "cat", 3), 10)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "cat_00003.png",
        "cat_00006.png",
        "cat_00009.png",
    ]
    picture = read_image(tmp_path / "new" / "cat_00006.png")
    torch.testing.assert_close(picture, torch.full((1, 3, 8, 8), 0.06), rtol=0.0, atol=0.5 / 255 + 1e-6)


def test_snapshots__steps_are_counted_over_all_scales(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, "cat", 4)
    _train(snapshots, 6)
    _train(snapshots, 6, first_step=6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cat_00004.png", "cat_00008.png", "cat_00012.png"]


def test_snapshots__shown_at_the_step_of_their_losses(tmp_path: Path) -> None:
    shown: list[tuple[float, int]] = []
    _train(Snapshots(tmp_path, "cat", 2, show=lambda image, step: shown.append((image.mean().item(), step))), 4)
    assert [step for _, step in shown] == [1, 3]
    assert [brightness for brightness, _ in shown] == pytest.approx([0.02, 0.04])


@pytest.mark.parametrize(("every", "main_process"), [(0, True), (2, False)], ids=["never", "another process"])
def test_snapshots__none(every: int, main_process: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    _train(Snapshots(tmp_path, "cat", every), 4, main_process=main_process)
    assert not list(tmp_path.iterdir())


def _sample(level: float = 0.2, seen_attacked: str = "dog") -> AttackSample:
    photo = torch.full((1, 3, 24, 24), level)
    return AttackSample(photo, photo + 0.02, "dog", "dog", seen_attacked)


def _colors(path: Path) -> set[tuple[int, ...]]:
    pixels = (read_image(path)[0].flatten(1).T * 255).round().int()
    colors, counts = pixels.unique(dim=0, return_counts=True)
    return {tuple(color.tolist()) for color, count in zip(colors, counts, strict=True) if count > 1000}


def test_attack_sheet__photo_attacked_and_difference(tmp_path: Path) -> None:
    attack_sheet(tmp_path / "sheet.png", [_sample(0.2), _sample(0.6)])
    grays = (0.2, 0.6, 0.22, 0.62, 0.7)
    assert _colors(tmp_path / "sheet.png") == {(255,) * 3} | {(round(gray * 255),) * 3 for gray in grays}


def test_attack_sheet__a_wrong_answer_is_marked(tmp_path: Path) -> None:
    reds = []
    for seen in ("dog", "cat"):
        attack_sheet(tmp_path / "sheet.png", [_sample(seen_attacked=seen)])
        red, green, _ = read_image(tmp_path / "sheet.png")[0]
        reds.append(int((red - green > 0.3).sum()))
    assert reds[0] == 0
    assert reds[1] > 20


@pytest.mark.parametrize(("sanity", "written"), [(True, 0), (False, 1)], ids=["sanity check", "validation"])
def test_attack_sheets__after_each_validation(sanity: bool, written: int, tmp_path: Path) -> None:  # noqa: FBT001
    shown: list[int] = []
    trainer: Any = SimpleNamespace(sanity_checking=sanity, is_global_zero=True, current_epoch=7, global_step=50)
    task: Any = SimpleNamespace(samples=[_sample()])
    AttackSheets(tmp_path, lambda _sheet, step: shown.append(step)).on_validation_end(trainer, task)
    assert [path.name for path in tmp_path.iterdir()] == ["attack_epoch_007.png"] * written
    assert shown == [50] * written
