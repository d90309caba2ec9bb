import copy
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from rnst.errors import MissingPathError
from rnst.training.run_state import (
    CompleteCheckpoints,
    OtherSettingsError,
    begin,
    newest_checkpoint,
    refuse_other_settings,
    run_folder,
)

_SETTINGS: dict[str, Any] = {
    "seed_everything": 0,
    "ema": 0.9,
    "output": "net.safetensors",
    "data": {"root": "photos", "batch_size": 4},
    "model": {"attack": {"init_args": {"radius": 3.0}}, "evaluation": None, "recipe": {"schedule": "step"}},
    "trainer": {"max_epochs": 3, "devices": 1, "log_every_n_steps": 5},
}


# What Lightning restores.
_PARTS: dict[str, Any] = {
    "state_dict": {}, "optimizer_states": [], "lr_schedulers": [], "loops": {}, "epoch": 0, "global_step": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _checkpoint(folder: Path, name: str, second: int) -> Path:
    path = folder / "checkpoints" / name
    CompleteCheckpoints().save_checkpoint({**_PARTS, "state_dict": {"weight": torch.rand(50)}}, path)
    os.utime(path, (second, second))
    return path


def test_run_folder__another_one_for_each_output(tmp_path: Path) -> None:
    outputs = ["a.safetensors", "new/a.safetensors", "checkpoints/a.safetensors", "../a.safetensors", "a.b.safetensors"]
    folders = [run_folder(Path(output)) for output in outputs]
    assert len(set(folders)) == len(folders)
    assert [folder.parent for folder in folders] == [Path(output).parent for output in outputs]
    assert run_folder(tmp_path / "new" / "a.safetensors") == tmp_path / "new" / "a.run"


def test_run_folder__of_an_earlier_version_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/new/a").mkdir(parents=True)
    Path("runs/new/a/config.yaml").touch()
    assert run_folder(Path("new/a.safetensors")) == Path("runs/new/a")
    Path("new/a.run").mkdir(parents=True)
    assert run_folder(Path("new/a.safetensors")) == Path("new/a.run")


def test_newest_checkpoint__passes_over_what_is_not_complete(tmp_path: Path) -> None:
    said: list[str] = []
    old, newest = _checkpoint(tmp_path, "epoch=001.ckpt", 1), _checkpoint(tmp_path, "steps.ckpt", 2)
    assert newest_checkpoint(tmp_path, said.append) == newest
    content = newest.read_bytes()
    for damaged in (content[: len(content) // 2], b"", content[:300] + b"\x55" + content[301:]):
        newest.write_bytes(damaged)
        said.clear()
        assert newest_checkpoint(tmp_path, said.append) == old
        assert said == [f"{newest} is not complete and is skipped"]


def test_newest_checkpoint__files_that_were_being_written_do_not_count(tmp_path: Path) -> None:
    whole = _checkpoint(tmp_path, "epoch=001.ckpt", 1)
    aside = whole.with_name(".epoch=002-x1y2.ckpt")
    aside.write_bytes(whole.read_bytes())
    assert newest_checkpoint(tmp_path, print) == whole
    begin(tmp_path, "a: 1", resume=True)
    assert not aside.exists()
    whole.unlink()
    with pytest.raises(MissingPathError, match="Start without --resume"):
        newest_checkpoint(tmp_path, print)


_KILLED = """
import os, signal, sys, torch
from pathlib import Path
from rnst.training.run_state import CompleteCheckpoints

class Bomb:
    def __reduce__(self):
        os.kill(os.getpid(), signal.SIGKILL)

path = Path(sys.argv[1])
parts = {"state_dict": {}, "optimizer_states": [], "lr_schedulers": [], "loops": {}, "epoch": 0, "global_step": 0}
CompleteCheckpoints().save_checkpoint({**parts, "weight": torch.ones(100_000)}, path)
CompleteCheckpoints().save_checkpoint({"weight": torch.zeros(100_000), "then": Bomb()}, path)
"""


@pytest.mark.slow
def test_killed_while_it_writes__the_old_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "steps.ckpt"
    died = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)  # noqa: S603 - our own program
    assert died.returncode == -signal.SIGKILL
    assert newest_checkpoint(tmp_path, print) == path
    assert CompleteCheckpoints().load_checkpoint(path, weights_only=True)["weight"].sum() == 100_000
    assert [file.name for file in path.parent.iterdir() if not file.name.startswith(".")] == ["steps.ckpt"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("seed_everything", 1),
        ("ema", 0.99),
        ("data.batch_size", 8),
        ("model.attack.init_args.radius", 1.0),
        ("trainer.devices", 2),
    ],
)
def test_other_settings_are_refused(tmp_path: Path, option: str, value: float) -> None:
    begin(tmp_path, _yaml(_SETTINGS), resume=False)
    short = option.replace(".init_args", "")
    with pytest.raises(OtherSettingsError, match=f"--{short} is {value}, but the run in .* was started with"):
        refuse_other_settings(tmp_path, _changed(option, value))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("output", "other"),
        ("data.root", "elsewhere"),
        ("trainer.log_every_n_steps", 1),
        ("trainer.max_epochs", 9),
        ("model.evaluation", {"class_path": "x"}),
        ("resume", True),
    ],
)
def test_settings_that_change_nothing_that_is_learned_are_free(tmp_path: Path, option: str, value: object) -> None:
    begin(tmp_path, _yaml(_SETTINGS), resume=False)
    refuse_other_settings(tmp_path, _changed(option, value))


def test_the_length_matters_to_a_schedule_over_the_whole_run(tmp_path: Path) -> None:
    settings = {**_SETTINGS, "model": {**_SETTINGS["model"], "recipe": {"schedule": "cosine"}}}
    begin(tmp_path, _yaml(settings), resume=False)
    with pytest.raises(OtherSettingsError, match=r"--trainer\.max_epochs is 9"):
        refuse_other_settings(tmp_path, {**settings, "trainer": {**settings["trainer"], "max_epochs": 9}})


def test_begin__an_earlier_run_moves_aside(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "net"
    assert begin(folder, "a: 1", resume=False) is None
    assert begin(folder, "a: 2", resume=False) is None, "a run that has kept nothing makes room"
    for number in (1, 2):
        kept = _checkpoint(folder, "epoch=001.ckpt", 1).read_bytes()
        assert begin(folder, "a: 3", resume=False) == folder.with_name(f"net.{number}")
        assert (folder.with_name(f"net.{number}") / "checkpoints" / "epoch=001.ckpt").read_bytes() == kept
        assert [path.name for path in folder.iterdir()] == ["config.yaml"]


def _yaml(settings: dict[str, Any]) -> str:
    return yaml.safe_dump(settings)


def _changed(option: str, value: object) -> dict[str, Any]:
    settings = copy.deepcopy(_SETTINGS)
    *path, name = option.split(".")
    inner = settings
    for key in path:
        inner = inner[key]
    inner[name] = value
    return settings
