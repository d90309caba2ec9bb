"""The real command on tiny networks and photos."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from rnst.cli import main
from rnst.studies.transferability import networks as transferability_networks
from tests.offline_runs import read_run, run_folders

MakePhotos = Callable[..., Path]

_CLASSES = ("n01", "n02", "n03")
_CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "experiments").glob("transferability*.yaml"))
_TINY: dict[str, Any] = {
    "dataset": "folders",
    "image_size": 16,
    "source": "tiny_resnet",
    "architectures": "[tiny_vgg, tiny_resnet]",
    "train_photos": 0,
    "test_photos": 0,
    "heldout": 0.2,
    "radius": 3.0,
    "step_size": 1.0,
    "steps": 6,
    "transfer_radii": "[3.0]",
    "transfer_steps": 2,
    "learning_rates": "[0.02]",
    "epochs": 1,
    "batch_size": 6,
    "accelerator": "cpu",
    "tracking": "off",
    "output": "out",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rnst"])


def _measure(root: Path, *config: str, **changes: Any) -> dict[str, Any]:
    options = [f"--{name}={value}" for name, value in {**_TINY, **changes}.items()]
    main(["transferability", *config, f"--data={root}", *options])
    report: dict[str, Any] = json.loads(Path("out/transferability.json").read_text())
    return report


def _refused(capsys: pytest.CaptureFixture[str], root: Path, **changes: Any) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        _measure(root, **changes)
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1, message
    return message


def test_report_figure_table_and_going_on(
    make_photos: MakePhotos, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_photos(_CLASSES, train=10, val=3)
    report = _measure(root)
    assert [row["architecture"] for row in report["rows"]] == ["tiny_vgg", "tiny_resnet"]
    assert [row["batch_norm"] for row in report["rows"]] == [False, True]
    assert report["retrained_source"] is None, "it is the row of the source's architecture"
    assert report["source"]["d_det"] is None
    assert set(report["controls"]) == {"noise_det", "noise_rand", "permuted"}
    assert report["success"]["d_det"] > report["success"]["noise_det"]
    assert report["correlations"]["untargeted 3"]["all"]["coefficient"] is None, "of two points there is none"
    picture = np.asarray(Image.open("out/transferability.png").convert("RGB"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    written = capsys.readouterr().out
    assert "tiny_resnet (trained again)" in written
    assert "white-box" in written

    def trains_again(*_: object, **__: object) -> None:
        raise AssertionError("it is there already")

    networks = sorted(Path("out/networks").iterdir())
    assert len(networks) == 1 + 2 + 4 + 3
    networks[3].unlink()
    before = {path: path.stat().st_mtime_ns for path in networks if path.exists()}
    again = _measure(root)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert [row["d_det"] for row in again["rows"]] == [row["d_det"] for row in report["rows"]]
    monkeypatch.setattr(transferability_networks, "train", trains_again)
    _measure(root)
    assert "--output" in _refused(capsys, root, epochs=2)
    moved = root.rename("moved")
    assert _measure(moved)["rows"] == again["rows"]
    next((moved / "val").rglob("*.png")).unlink()
    assert "was started with" in _refused(capsys, moved)


def test_tracked_run(make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    report = _measure(make_photos(_CLASSES, train=10), tracking="auto", architectures="[tiny_vgg]")
    assert report["retrained_source"]["architecture"] == "tiny_resnet"
    (folder,) = run_folders(Path("out"))
    run = read_run(folder)
    assert (run.job_type, run.group) == ("transferability", "out")
    assert run.column("d_det") == pytest.approx([report["rows"][0]["d_det"]])


def test_mistakes_are_one_line(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_photos(_CLASSES, train=10)
    assert "nowhere" in _refused(capsys, Path("nowhere"))
    assert "--radius" in _refused(capsys, root, radius=0)
    assert "each once" in _refused(capsys, root, architectures="[tiny_vgg, tiny_vgg]")
    assert "resnet17" in _refused(capsys, root, source="resnet17")
    assert "_32px" in _refused(capsys, root, source="squeezenet1_0_32px")
    assert not Path("out").exists()


def test_there_are_configs() -> None:
    assert len(_CONFIGS) >= 2


@pytest.mark.parametrize("config", _CONFIGS, ids=lambda path: path.stem)
def test_configs_run(config: Path, make_photos: MakePhotos) -> None:
    settings = yaml.safe_load(config.read_text())
    head = [line for line in config.read_text().splitlines() if line.startswith("#")]
    assert any(f"rnst transferability --config {config.stem}" in line for line in head)
    assert len(settings["architectures"]) >= 3
    _measure(make_photos(_CLASSES, train=10), "--config", str(config), architectures="[tiny_vgg]")
