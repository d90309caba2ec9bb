"""The real command on tiny photos and pictures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.cli import main
from rnst.image.files import read_image, write_image
from tests.offline_runs import read_run, run_folders

MakePhotos = Callable[..., Path]

_CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "experiments").glob("layers*.yaml"))
_TINY = ["--photos=2", "--image_size=32", "--radii", "0.1", "1", "--attack_steps=1", "--draws=1", "--size=64"]
_TINY += ["--steps=1", "--style=waves.png", "--content=waves.png", "--precision=fp32"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(torch.rand(1, 3, 64, 64), tmp_path / "waves.png")


def _measure(root: Path, *arguments: str, tracking: str = "off") -> dict[str, Any]:
    main(["layers", f"--data={root}", *_TINY, f"--tracking={tracking}", "--output=found", *arguments])
    found: dict[str, Any] = json.loads(Path("found/layers.json").read_text(encoding="utf-8"))
    return found


def test_report__figures_table_and_a_run(
    make_photos: MakePhotos, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    networks = ["--encoders", "resnet18:random", "--layers", "stem", "layer2"]
    found = _measure(make_photos(train=0), *networks, tracking="auto")
    assert [(row["encoder"], row["layer"]) for row in found["layers"]] == [
        ("resnet18:random", "stem"),
        ("resnet18:random", "layer2"),
    ]
    for row, every in zip(found["layers"], found["every_photo"], strict=True):
        assert row["change at 1"] > row["change at 0.1"] > 0
        assert row["change at 1"] == pytest.approx(sum(every["changes"]["1.0"]["largest"]) / 2)
        assert {"relative_style_distance", "edge_correlation", "entropy", "peak"} <= set(row)
    printed = capsys.readouterr().out
    assert "layer2" in printed
    assert "found: layers.json, layers.png and sheet.png" in printed
    for name in ("layers.png", "sheet.png"):
        assert read_image(Path("found") / name).std() > 0.05
    (folder,) = run_folders(Path("found"))
    run = read_run(folder)
    assert (run.job_type, run.group) == ("layers", "found")
    (row,) = run.history
    assert row["table"]["nrows"] == 2
    assert row["layers"]["format"] == "png"


def test_without_pictures__networks_may_have_any_layers(make_photos: MakePhotos) -> None:
    found = _measure(make_photos(train=0), "--pictures=false", "--encoders", "resnet18:random", "vgg11:random")
    assert len(found["layers"]) == 10
    assert not Path("found/sheet.png").exists()
    assert "edge_correlation" not in found["layers"][0]


def test_configurations_are_there() -> None:
    assert {path.stem for path in _CONFIGS} >= {"layers", "layers_published"}


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda path: path.stem)
def test_configuration(path: Path, make_photos: MakePhotos) -> None:
    root = make_photos(train=0)
    networks = ["--encoders", "resnet18:random", "--layers", "stem", "--batch_size=2", "--style_weights", "10"]
    main(["layers", "--config", str(path), f"--data={root}", *_TINY, *networks, "--tracking=off", "--output=found"])
    assert Path("found/sheet.png").is_file()
    assert f"rnst layers --config configs/experiments/{path.name}" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data=nowhere"], "nowhere"),
        (["--data=.", "--encoders", "resnet19"], "resnet19"),
        (["--data=.", "--layers", "layer9"], "layer9"),
        (["--data=.", "--radii", "0"], "--radii"),
        (["--data=.", "--size=64"], "--size"),  # the sample photo is not square
        (["--data=.", "--style=nowhere.png"], "nowhere.png"),
    ],
    ids=str,
)
def test_mistakes_are_one_line(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["layers", "--encoders", "resnet18:random", "--tracking=off", *options])
    assert stopped.value.code == 2
    written = capsys.readouterr().err
    assert said in written
    assert written.count("\n") == 1
    assert not Path("outputs").exists()
