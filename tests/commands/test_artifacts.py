"""The real command on tiny pictures."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from rnst.cli import main
from rnst.image.files import read_image, write_image
from rnst.studies.artifacts.fixes import NONE
from tests.offline_runs import read_run, run_folders

_CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "experiments").glob("artifacts*.yaml"))
_STEM = "stem stride 1"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_image(torch.rand(1, 3, 80, 90), tmp_path / "waves.png")


def _find(*arguments: str, tracking: str = "off") -> dict[str, Any]:
    tiny = ["--style=waves.png", "--photo=waves.png", "--size=64", "--style_scale=2", "--steps=1", "--cotangents=1"]
    main(["artifacts", *tiny, f"--tracking={tracking}", *arguments])
    output = next((a.partition("=")[2] for a in arguments if a.startswith("--output")), "outputs/artifacts")
    found: dict[str, Any] = json.loads((Path(output) / "artifacts.json").read_text(encoding="utf-8"))
    return found


def test_report__figures_tables_and_a_run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    networks = ["--encoders", "resnet18:random", "vgg11:random", "--fixes", _STEM]
    found = _find(*networks, tracking="auto")
    # A VGG's stem has stride 1 already.
    assert [(row["encoder"], row["fix"]) for row in found["textures"]] == [("resnet18:random", _STEM)]
    assert {row["layer"] for row in found["gradients"] if row["encoder"] == "resnet18:random"} == {
        *("layer1", "layer2", "layer3", "layer4"),
    }
    assert found["painting"]["high_frequency_fraction"] > 0.1, "it is noise"
    printed = capsys.readouterr().out
    assert "7 / 2" in printed
    assert printed.count(_STEM) == 2
    for name in ("artifacts.png", "sheet.png"):
        assert read_image(Path("outputs/artifacts") / name).std() > 0.05
    (folder,) = run_folders(Path("outputs"))
    run = read_run(folder)
    assert (run.job_type, run.group) == ("artifacts", "artifacts")
    (row,) = run.history
    assert (row["textures"]["nrows"], row["gradients"]["nrows"]) == (1, len(found["gradients"]))
    assert {row[name]["format"] for name in ("artifacts", "sheet")} == {"png"}


def test_again__what_is_there_is_not_stylized(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--encoders", "resnet18:random", "--fixes", NONE]
    first = _find(*options)
    (picture,) = Path("outputs/artifacts/textures").rglob("*.png")
    monkeypatch.setattr("rnst.sweeps.once.stylize_job", None)
    again = _find(*options)
    assert again["textures"] == first["textures"]
    assert picture.is_file()


def test_configurations_are_there() -> None:
    assert {path.stem for path in _CONFIGS} >= {"artifacts", "artifacts_published"}


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda path: path.stem)
def test_configuration(path: Path) -> None:
    tiny = ["--config", str(path), "--encoders", "resnet18:random", "--fixes", NONE, "--seeds=1", "--output=made"]
    tiny += ["--style=waves.png", "--photo=waves.png", "--size=64", "--steps=1", "--cotangents=1", "--tracking=off"]
    main(["artifacts", *tiny])
    assert Path("made/sheet.png").is_file()
    assert f"rnst artifacts --config configs/experiments/{path.name}" in path.read_text(encoding="utf-8")
    assert set(yaml.safe_load(path.read_text(encoding="utf-8"))) >= {"encoders", "output"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--encoders", "resnet19:random"], "resnet19"),
        (["--fixes", "magic"], "'average pools'"),
        (["--size", "32"], "--size"),
        (["--steps", "0"], "--steps"),
        (["--photo", "nowhere.png"], "nowhere.png"),
        (["--style", "waves.png", "--size=64", "--style_scale=1"], "--style_scale"),
    ],
    ids=str,
)
def test_mistakes_are_one_line(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["artifacts", "--encoders", "resnet18:random", "--tracking=off", *options])
    assert stopped.value.code == 2
    written = capsys.readouterr().err
    assert said in written
    assert written.count("\n") == 1
    assert not Path("outputs").exists()
