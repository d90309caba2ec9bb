"""One run for one picture, and where it goes; tests/offline_runs.py reads runs back."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rnst.errors import MissingExtraError
from rnst.reporting.tracking import wandb_runs
from rnst.reporting.tracking.pictures import Finished, PictureTracker
from rnst.reporting.tracking.run import Run, without_places
from rnst.reporting.tracking.tracker import Tracker, has_offline_runs, upload_command
from rnst.reporting.tracking.wandb_runs import open_wandb
from tests.offline_runs import read_run, run_folders
from tests.tracked_metrics import metrics_of_board, metrics_of_table, pictures_of_board

_RUN = Run(name="cat x waves", job_type="stylize", group="cat in the style of waves", tags=["resnet18", "new"])
Asked = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_BASE_URL", "https://tracking.example.org")
    (tmp_path / "home").mkdir()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What loggers are asked for, none of which is made."""
    calls: Asked = []

    def make(_errors: object, **options: Any) -> SimpleNamespace:
        calls.append(options)
        return SimpleNamespace(_wandb_init={}, experiment=None)

    monkeypatch.setattr(wandb_runs, "LastingLogger", make)
    return calls


def _offline(asked: Asked, folder: Path) -> bool:
    open_wandb(folder, _RUN)
    return bool(asked[-1]["offline"])


def test_key__decides_where_nobody_insists(asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _offline(asked, tmp_path)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert not _offline(asked, tmp_path)


@pytest.mark.parametrize("key", ["0" * 40, None])
@pytest.mark.parametrize("mode", ["offline", "online"])
def test_mode__outranks_the_key(
    mode: str, key: str | None, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key is not None:
        monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("WANDB_MODE", mode)
    assert _offline(asked, tmp_path) is (mode == "offline")


@pytest.mark.parametrize("place", ["home/.netrc", "keys"])
@pytest.mark.parametrize("host", ["tracking.example.org", "other.example.org"])
def test_netrc__of_the_right_server(
    place: str, host: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / place
    path.write_text(f"machine {host}\n  login user\n  password {'0' * 40}\n")
    path.chmod(0o600)
    if place == "keys":
        monkeypatch.setenv("NETRC", str(path))
    assert _offline(asked, tmp_path) is (host == "other.example.org")


def test_netrc__damaged_is_as_good_as_none(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "home" / ".netrc").write_text("machine\n???")
    assert _offline(asked, tmp_path)


@pytest.mark.parametrize("choice", ["off", "auto"])
def test_off__nothing_is_made(choice: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if choice == "auto":
        monkeypatch.setenv("WANDB_MODE", "disabled")
    picture = PictureTracker(choice, tmp_path / "runs", _RUN)
    assert picture.loggers == []
    picture.inputs({"content": torch.rand(1, 3, 8, 8)})
    picture.show(torch.rand(1, 3, 8, 8), 3)
    picture.finish(Finished(torch.rand(1, 3, 8, 8), 4, {"total": 1.0}, {}, {}))
    assert not asked
    assert not (tmp_path / "runs").exists()


def test_every_tracker__has_the_same_run(tmp_path: Path) -> None:
    config = {"network": {"encoder": "resnet18", "weights": None}, "loss": {"style_layers": ["layer1"]}}
    run = dataclasses.replace(_RUN, config=config)
    folder = tmp_path / "runs"
    picture = PictureTracker("wandb,tensorboard,csv", folder, run, "cat")
    picture.inputs({"content": torch.rand(1, 3, 16, 1024)})
    for step in range(10, 13):
        for logger in picture.loggers:
            logger.log_metrics({"loss/total": 1.0 / step}, step=step)
        picture.show(torch.rand(1, 3, 16, 16), step)
    for logger in picture.loggers:
        logger.finalize("success")  # as at the end of each scale
    costs = {"perf/seconds": 2.5, "optim/evaluations": 4.0}
    picture.finish(Finished(torch.rand(1, 3, 16, 24), 13, {"total": 0.5, "style": 0.25}, {"ssim": 0.75}, costs))

    (wandb_folder,) = run_folders(folder)
    found = read_run(wandb_folder)
    assert found.finished
    assert (found.name, found.group, found.job_type, found.tags) == (_RUN.name, _RUN.group, "stylize", tuple(_RUN.tags))
    assert {name: found.config[name] for name in config} == config
    rows = {(row["trainer/global_step"], name): value for row in found.history for name, value in row.items()}
    of_wandb = {key: value for key, value in rows.items() if "/" in key[1] and isinstance(value, float | int)}
    of_wandb = {key: value for key, value in of_wandb.items() if key[1] != "trainer/global_step"}
    expected = {(step, "loss/total"): 1.0 / step for step in (10, 11, 12)} | {
        (13, name): value
        for name, value in {"loss/total": 0.5, "loss/style": 0.25, "score/ssim": 0.75, **costs}.items()
    }
    assert of_wandb == pytest.approx(expected)
    assert metrics_of_table(folder / "metrics/cat/version_0/metrics.csv") == pytest.approx(expected)
    board = folder / "tensorboard" / "cat" / "version_0"
    assert metrics_of_board(board) == pytest.approx(expected)
    shown = {(0, "input/content"), *((step, "picture") for step in (10, 11, 12, 13))}
    assert {key for key in rows if key[1] in {"picture", "input/content"}} == shown
    assert pictures_of_board(board) == shown
    files = [name for value in found.column("picture") for name in value["filenames"]]
    assert all(name.endswith(".jpg") and (wandb_folder / "files" / name).stat().st_size for name in files)
    assert found.column("picture")[-1]["width"] == 24
    assert found.column("input/content")[0]["width"] == 512
    assert found.summary["score/ssim"] == 0.75
    assert has_offline_runs(folder)
    assert upload_command(folder) == f"wandb sync {folder}/wandb/offline-run-*"


def test_tensorboard__without_its_writer_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("tensorboard")

    monkeypatch.setattr("rnst.reporting.tracking.tracker._Board", absent)
    with pytest.raises(MissingExtraError, match=r"uv run --extra tensorboard"):
        Tracker("tensorboard", tmp_path, _RUN)


def test_settings_without_places() -> None:
    settings = {
        "output": "a/b.png",
        "network": {"weights": "/home/me/net.safetensors", "encoder": "timm/resnet18.a1_in1k"},
        "data": {"root": Path("/data"), "name": "imagenette", "sizes": [64, 128]},
        "masks": ["left/a.png"],
    }
    assert without_places(settings) == {
        "network": {"weights": "net.safetensors", "encoder": "timm/resnet18.a1_in1k"},
        "data": {"name": "imagenette", "sizes": [64, 128]},
        "masks": ["a.png"],
    }
