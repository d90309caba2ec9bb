"""The real command on tiny networks and photos."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from rnst.cli import main
from rnst.data.sources import FolderSource
from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import write_weights
from rnst.studies.corruption.measure import _photos
from rnst.studies.corruption.settings import CorruptionSettings
from tests.offline_runs import read_run, run_folders

MakePhotos = Callable[..., Path]

_CLASSES = ("n01", "n02", "n03")
_CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "experiments").glob("corruption*.yaml"))
_TINY = ("--workers=0", "--accelerator=cpu", "--photos=3", "--size=32")
_TWO = ("--corruptions", "fog", "gaussian_noise")
_SHORT = (*_TWO, "--severities", "1", "3")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _network(name: str, classes: tuple[str, ...] = _CLASSES) -> str:
    """An untrained network as a file with facts."""
    torch.manual_seed(sum(name.encode()))
    network = build_classifier("shufflenet_v2_x0_5", len(classes)).eval()
    facts = {"architecture": "shufflenet_v2_x0_5", "classes": list(classes), "image_size": 32}
    write_weights(Path(f"{name}.safetensors"), network.state_dict(), facts)
    return f"{name}.safetensors"


def _measured(root: Path, *arguments: str, tracking: str = "off", output: str = "out") -> dict[str, Any]:
    networks = [_network("one"), _network("two")]
    fixed = ("--data", str(root), "--output", output, f"--tracking={tracking}")
    main(["corruption", "--networks", *networks, *_TINY, *fixed, *arguments])
    report: dict[str, Any] = json.loads(Path(output, "corruption.json").read_text())
    return report


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["corruption", *arguments])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1, message
    assert not Path("out").exists()
    return message


def test_report_figures_and_table(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    report = _measured(make_photos(_CLASSES), *_SHORT, "--radii", "0.1", "--steps=1", "--reference", "two.safetensors")
    assert report["networks"]["two"]["mean"] == {"value": 100.0, "low": 100.0, "high": 100.0}
    assert list(report["networks"]["one"]["errors"]) == ["gaussian_noise", "fog"], "in the order of the table"
    assert report["severities"] == [1, 3]
    assert [one["radius"] for one in report["evaluations"]["one"]["measurements"]] == [0.0, 0.1]
    written = capsys.readouterr().out
    assert "two is 100" in written
    assert "relative mCE" in written
    for name in ("corruption", "corruptions", "radius"):
        picture = np.asarray(Image.open(f"out/{name}.png").convert("RGB"))
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20, name


def test_batches_and_workers_change_nothing(make_photos: MakePhotos) -> None:
    root = make_photos(_CLASSES)
    one = _measured(root, *_SHORT, "--batch_size=1")
    all_ = _measured(root, *_SHORT, "--batch_size=3", "--workers=1", output="again")
    assert one["networks"] == all_["networks"]


def test_published_folders_and_published_alexnet(make_photos: MakePhotos) -> None:
    root = make_photos(_CLASSES, side=32)
    for name in ("fog", "gaussian_noise"):
        for severity in range(1, 6):
            shutil.copytree(root / "val", Path("corrupted", name, str(severity)))
    options = ("--corrupted", "corrupted", "--reference", "published_alexnet")
    report = _measured(root, *_TWO, *options)
    for found in report["networks"].values():
        clean = found["clean"]["value"]
        assert found["errors"] == {"gaussian_noise": [clean] * 5, "fog": [clean] * 5}
        expected = 100 * sum(clean / error for error in (0.886428, 0.819324)) / 2
        assert found["mean"]["value"] == pytest.approx(expected)


def test_published_center_crops__show_what_the_clean_crops_show(make_photos: MakePhotos) -> None:
    root = make_photos(_CLASSES)
    settings = CorruptionSettings(["one"], root, corruptions=["fog"], severities=[1], corrupted=Path("crops"), size=32)
    source = FolderSource(root, {name: (name,) for name in _CLASSES})
    clean = _photos(replace(settings, corrupted=None), source)
    paths = sorted((root / "val").rglob("*.png"))
    assert len(clean) == len(paths)
    for photos, path in zip((clean[number][0] for number in range(len(paths))), paths, strict=True):
        published = Path("crops", "fog", "1", path.parent.name, path.name)
        published.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photos[0].permute(1, 2, 0).numpy()).save(published)
    found = _photos(settings, source)
    for photos in (found[number][0] for number in range(len(found))):
        assert torch.equal(photos[0], photos[1])


def test_tracked_run(make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    report = _measured(make_photos(_CLASSES), *_SHORT, tracking="auto")
    (folder,) = run_folders(Path("out"))
    run = read_run(folder)
    assert (run.job_type, run.group) == ("corruption", "out")
    assert run.column("severity") == [0, 1, 3]
    assert run.column("accuracy/one")[0] == pytest.approx(1.0 - report["networks"]["one"]["clean"]["value"])
    assert any("corruptions" in row for row in run.history)


def test_mistakes_are_one_line(make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]) -> None:
    root, one, other = str(make_photos(_CLASSES)), _network("one"), _network("other", ("n01", "n02"))
    given = ("--data", root, "--output=out")
    assert "networks" in _refused(capsys, *given)
    assert "shot_noise" in _refused(capsys, "--networks", one, *given, "--corruptions", "rain")
    assert "1 to 5" in _refused(capsys, "--networks", one, *given, "--severities", "6")
    assert "same classes" in _refused(capsys, "--networks", one, other, *given)
    assert "resnet17" in _refused(capsys, "--networks", one, *given, "--reference", "resnet17")
    assert "nowhere" in _refused(capsys, "--networks", one, "--data", "nowhere", "--output=out")
    assert "absent" in _refused(capsys, "--networks", one, *given, "--corrupted", "absent", *_TINY)
    assert "different names" in _refused(capsys, "--networks", one, f"./{one}", *given)
    assert "of another name" in _refused(capsys, "--networks", one, *given, "--reference", f"elsewhere/{one}")
    assert "all five" in _refused(capsys, "--networks", one, *given, *_SHORT, "--reference", "published_alexnet")


def test_a_reference_is_measured_once(tmp_path: Path) -> None:
    for reference in (None, "one.safetensors", "./one.safetensors", str(tmp_path / "one.safetensors")):
        settings = CorruptionSettings(["one.safetensors", "two.safetensors"], Path("data"), reference)
        assert settings.measured == ("one.safetensors", "two.safetensors")
    assert CorruptionSettings(["one"], Path("data"), "published_alexnet").measured == ("one",)
    assert CorruptionSettings(["one"], Path("data"), "three").measured == ("one", "three")


def test_there_are_configs() -> None:
    assert len(_CONFIGS) >= 2


@pytest.mark.parametrize("config", _CONFIGS, ids=lambda path: path.stem)
def test_configs_run(config: Path, make_photos: MakePhotos) -> None:
    settings = yaml.safe_load(config.read_text())
    head = config.read_text().splitlines()
    assert any(f"rnst corruption --config {config.stem}" in line for line in head if line.startswith("#"))
    assert set(settings) >= {"networks", "reference", "data", "photos"}
    root = make_photos(_CLASSES)
    tiny = ("--image_size=32", "--attacked_photos=1", "--steps=1", "--radii", "0.1", "--tracking=off", "--output=out")
    networks = ("--networks", _network("one"), _network("two"), "--reference")
    published = settings["reference"] == "published_alexnet"
    reference, short = ("published_alexnet", _TWO) if published else ("one.safetensors", _SHORT)
    main(["corruption", "--config", str(config), *networks, reference, "--data", str(root), *_TINY, *tiny, *short])
    assert Path("out/corruption.json").is_file()
