"""One run for one picture, and where it goes; tests/offline_runs.py reads runs back."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rnst.reporting import tracking
from rnst.reporting.tracking import PictureTracker, Tracking, log_picture, tracker
from tests.offline_runs import read_run, run_folders

_NAMES: dict[str, Any] = {"group": "cat in the style of waves", "tags": ["resnet18", "new"]}
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

    def make(**options: Any) -> SimpleNamespace:
        calls.append(options)
        return SimpleNamespace(_wandb_init={})

    monkeypatch.setattr(tracking, "WandbLogger", make)
    return calls


def _offline(asked: Asked, folder: Path, choice: Tracking = "auto") -> bool:
    tracker(choice, folder, job_type="stylize", config={}, **_NAMES)
    return bool(asked[-1]["offline"])


def test_key__decides_where_nobody_insists(asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _offline(asked, tmp_path)
    assert not _offline(asked, tmp_path, "wandb")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert not _offline(asked, tmp_path)


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_mode__outranks_the_key(mode: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_MODE", mode)
    assert _offline(asked, tmp_path, "auto") is (mode == "offline")
    assert _offline(asked, tmp_path, "wandb") is (mode == "offline")


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
def test_off__nothing_is_made(choice: Tracking, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if choice == "auto":
        monkeypatch.setenv("WANDB_MODE", "disabled")
    picture = PictureTracker(choice, tmp_path / "runs", config={}, **_NAMES)
    assert picture.loggers == []
    picture.show(torch.rand(1, 3, 8, 8), 3)
    picture.finish(torch.rand(1, 3, 8, 8), {"total": 1.0}, {})
    assert not asked
    assert not (tmp_path / "runs").exists()


def test_offline_run__reads_back(tmp_path: Path) -> None:
    config = {"encoder": "resnet18", "style_layers": ["layer1"], "weights": None, "facts": {"radius": 3.0}}
    picture = PictureTracker("auto", tmp_path / "runs", config=config, **_NAMES)
    (logger,) = picture.loggers
    for step in range(10, 13):
        logger.log_metrics({"loss/total": 1.0 / step}, step=step)
        picture.show(torch.rand(1, 3, 16, 16), step)
    picture.finish(torch.rand(1, 3, 16, 24), {"total": 0.5, "style": 0.25}, {"ssim": 0.75})

    (folder,) = run_folders(tmp_path / "runs")
    run = read_run(folder)
    assert run.finished
    assert (run.group, run.job_type, run.tags) == (_NAMES["group"], "stylize", ("resnet18", "new"))
    assert {name: run.config[name] for name in config} == config
    assert run.column("loss/total") == pytest.approx([1 / 10, 1 / 11, 1 / 12])
    # Losses and pictures of one step have the same place on the axis, whatever the tracker counts itself.
    for name in ("loss/total", "picture"):
        assert {row["trainer/global_step"] for row in run.history if name in row} == {10, 11, 12}, name
    assert run.summary["final_loss/style"] == 0.25
    assert run.summary["score/ssim"] == 0.75
    (final,) = run.column("final")
    pictures = [name for value in run.column("picture") for name in value["filenames"]]
    assert len(pictures) == 3
    for name in [*pictures, final["path"]]:
        assert name.endswith(".jpg")
        assert (folder / "files" / name).stat().st_size > 0
    assert (final["width"], final["height"]) == (24, 16)


def test_log_picture__at_its_step() -> None:
    class _Logger:
        def log_metrics(self, metrics: dict[str, Any], step: int) -> None:
            calls.append((metrics, step))

    calls: list[tuple[dict[str, Any], int]] = []
    logger: Any = _Logger()
    log_picture(logger, "attacks", torch.rand(1, 3, 8, 8), 7)
    ((metrics, step),) = calls
    assert step == 7
    assert [type(picture).__name__ for picture in metrics["attacks"]] == ["Image"]
