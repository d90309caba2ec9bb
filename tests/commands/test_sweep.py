"""The real command: from a grid to a page; killed half-way, it goes on with what is missing."""

import contextlib
import csv
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from rnst.cli import main, stylize
from rnst.image.files import write_image
from rnst.metrics.score_table import SCORE_TABLE
from rnst.results import Result
from rnst.sweeps.report import layer_gains
from tests.offline_runs import read_run, run_folders

_CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "sweeps").glob("*.yaml"))
_TINY: dict[str, Any] = {
    "contents": ["cat"],
    "styles": ["waves"],
    "encoders": ["resnet18", "resnet34"],
    "grid": {"style_weight": [1.0, 10.0], "init": ["content", "noise"]},
    "settings": {
        "size": 64,
        "supersample": 1.0,
        "steps": 1,
        "scales": 1,
        "shifts": 1,
        "weights": "random",
        "precision": "fp32",
    },
    "pictures": ["."],
    "output": "swept",
    "tracking": "off",
}
# As many pictures as two networks and a choice between two weights need.
_SMALL_GRID = {"style_weight": [1.0, 10.0], "init": ["noise"]}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write_pictures()


@pytest.fixture(scope="module")
def first_sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a finished sweep, and what the command printed; tests work on copies."""
    folder = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as shown:
        patch.chdir(folder)
        torch.manual_seed(0)
        _write_pictures()
        _sweep(grid=_SMALL_GRID)
    return folder / "swept", shown.getvalue()


def _write_pictures() -> None:
    for name in ("cat", "waves"):
        write_image(torch.rand(1, 3, 64, 64), Path(f"{name}.png"))


def _config(**changes: Any) -> str:
    Path("own.yaml").write_text(yaml.safe_dump({**_TINY, **changes}, sort_keys=False), encoding="utf-8")
    return "own.yaml"


def _sweep(*arguments: str, **changes: Any) -> None:
    main(["sweep", "--config", _config(**changes), *arguments])


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str, **changes: Any) -> str:
    with pytest.raises(SystemExit) as stopped:
        _sweep(*arguments, **changes)
    assert stopped.value.code == 2
    written = capsys.readouterr().err
    assert written.count("\n") == 1, written
    assert not Path("swept").exists()
    return written


def _results() -> list[Result]:
    return [Result.read(path) for path in sorted(Path("swept/pictures").rglob("*.json"))]


def test_sweep__stylizes_scores_picks_and_compares(first_sweep: tuple[Path, str]) -> None:
    folder, shown = first_sweep
    shutil.copytree(folder, "swept")
    results = _results()
    assert len(results) == 4
    assert {(r.encoder, r.settings["style_weight"], r.settings["init"]) for r in results} == {
        (encoder, weight, "noise") for encoder in ("resnet18", "resnet34") for weight in (1.0, 10.0)
    }
    for result in results:
        assert set(result.scores) == {*SCORE_TABLE, "picked"} - {"lpips"}
        assert result.scores["style_loss_reduction"] >= 1.0
    picked = [result for result in results if result.scores["picked"]]
    assert sorted(result.encoder for result in picked) == ["resnet18", "resnet34"]
    with Path("swept/results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {Path("swept", row["image"]) for row in rows} == {result.image for result in results}
    assert {float(row["style_distance"]) for row in rows} == {r.scores["style_distance"] for r in results}
    assert Path("swept/pareto.png").read_bytes()[:4] == b"\x89PNG"
    assert "resnet34" in Path("swept/index.html").read_text(encoding="utf-8")
    assert shown.count("cat / waves") == 2
    assert "index.html: 4 pictures" in shown


def test_again__stylizes_only_what_is_missing(
    first_sweep: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(first_sweep[0], "swept")
    results = _results()
    before = {result.image: result.image.stat().st_mtime_ns for result in results}
    gone, changed, unfinished = results[0].image, results[1].image, results[2]
    gone.unlink()
    Path(unfinished.sidecar).write_text(
        unfinished.sidecar.read_text(encoding="utf-8").replace('"finished": true', '"finished": false'),
        encoding="utf-8",
    )
    sidecar = results[1].sidecar
    sidecar.write_text(sidecar.read_text(encoding="utf-8").replace('"steps": 1', '"steps": 9'), encoding="utf-8")
    _sweep(grid=_SMALL_GRID)
    assert "4 pictures, 1 of them there already" in capsys.readouterr().err.replace("\n", " ")
    again = {path for path, time_before in before.items() if path.stat().st_mtime_ns != time_before}
    assert again == {gone, changed, unfinished.image}


def test_another_grid__the_earlier_picks_no_longer_count(first_sweep: tuple[Path, str]) -> None:
    shutil.copytree(first_sweep[0], "swept")
    for result in _results():
        replace(result, scores={**result.scores, "picked": float(result.settings["style_weight"] == 1.0)}).write()
    _sweep(grid={"style_weight": [10.0], "init": ["noise"]})
    picked = [result for result in _results() if result.scores["picked"]]
    assert [(result.encoder, result.settings["style_weight"]) for result in picked] == [
        ("resnet18", 10.0),
        ("resnet34", 10.0),
    ]


def test_a_picture_that_fails__the_others_are_reported(
    first_sweep: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(first_sweep[0], "swept")
    Path("broken.png").write_bytes(Path("waves.png").read_bytes()[:99])
    Path("swept/index.html").unlink()
    with pytest.raises(SystemExit) as stopped:
        _sweep(grid=_SMALL_GRID, styles=["waves", "broken"])
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert "4 pictures failed, the first: cat--broken/resnet18--style_weight=1" in said.err
    assert "index.html: 4 pictures" in said.out
    assert Path("swept/index.html").is_file()


def test_a_picture_too_small_for_the_scores__is_found_first(capsys: pytest.CaptureFixture[str]) -> None:
    write_image(torch.rand(1, 3, 40, 200), Path("narrow.png"))
    with pytest.raises(SystemExit):
        _sweep(contents=["cat", "narrow"])
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: narrow--waves/resnet18--style_weight=1")
    assert not list(Path("swept").rglob("*.png"))


def test_configurations_are_there() -> None:
    open_questions = {"radius", "style_layers", "robust_vgg", "classes", "random_weights", "swag", "open_small"}
    assert {"article", "smoke", "sampling", *open_questions} <= {path.stem for path in _CONFIGS}


@pytest.mark.parametrize("path", _CONFIGS, ids=lambda path: path.stem)
def test_configuration__lists_every_picture(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = path.read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    for name in {*config["contents"], *config["styles"]} - {"coffee", "chelsea", "flow", "rocket"}:
        write_image(torch.rand(1, 3, 8, 8), Path(f"{name}.png"))
    main(["sweep", "--config", str(path), "--pictures=[.]", "--plan"])
    lists = [config[name] for name in ("contents", "styles", "encoders")] + list(config["grid"].values())
    listed = capsys.readouterr().out.splitlines()
    assert len(set(listed)) == len(listed) == math.prod(map(len, lists))
    assert f"rnst sweep --config configs/sweeps/{path.name}" in text
    assert all(len(line) <= 130 for line in text.splitlines())


@pytest.mark.parametrize("count", [1, pytest.param(20, marks=pytest.mark.slow)], ids=["one encoder", "all encoders"])
@pytest.mark.parametrize("path", _CONFIGS, ids=lambda path: path.stem)
def test_configuration__stylizes(path: Path, count: int) -> None:
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    # One picture by each encoder; the first values need no weights.
    encoders = config["encoders"][:count]
    grid = {name: values[:1] for name, values in config["grid"].items()}
    tiny = {**_TINY["settings"], "save_every": 0}
    options = {"contents": ["cat"], "styles": ["waves"], "encoders": encoders, "grid": grid, "settings": tiny}
    tiny_sweep = [f"--{name}={json.dumps(value)}" for name, value in options.items()]
    main(["sweep", "--config", str(path), *tiny_sweep, "--pictures=[.]", "--output=swept", "--tracking=off"])
    assert {result.encoder.split()[0] for result in _results()} == set(encoders)
    for name, values in grid.items():
        found = [result.settings[name] for result in _results()]
        assert all(value in found for value in values)


def test_compared__each_value_has_its_own_pick_and_the_layers_their_gains(capsys: pytest.CaptureFixture[str]) -> None:
    layers = [["layer1"], ["layer2"], ["layer1", "layer2"]]
    grid = {"style_layers": layers, "smoothing": ["none"], "style_weight": [1.0, 10.0]}
    _sweep(encoders=["resnet18"], compare=["style_layers", "smoothing"], grid=grid)
    results = _results()
    arms = {f"resnet18 style_layers={'+'.join(names)} smoothing=none" for names in layers}
    assert {result.encoder for result in results} == arms
    assert sorted(result.encoder for result in results if result.scores["picked"]) == sorted(arms)
    best = {
        tuple(result.settings["style_layers"]): result.scores["relative_style_distance"]
        for result in results
        if result.scores["picked"]
    }
    both = best["layer1", "layer2"]
    gains = {"layer1": best["layer2",] - both, "layer2": best["layer1",] - both}
    assert {name: count for name, (_, count) in layer_gains(results).items()} == {"layer1": 1, "layer2": 1}
    assert {name: gain for name, (gain, _) in layer_gains(results).items()} == pytest.approx(gains)
    printed = capsys.readouterr().out
    assert f"{gains['layer1']:+.3f}" in printed
    before = {result.image: result.image.stat().st_mtime_ns for result in results}
    _sweep(encoders=["resnet18"], compare=["style_layers", "smoothing"], grid=grid)
    assert "6 of them there already" in capsys.readouterr().err.replace("\n", " ")
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
def test_workers__give_the_same_pictures() -> None:
    _sweep(grid={"init": ["content"]})
    alone = {result.image: (result.image.read_bytes(), result.scores) for result in _results()}
    for path in alone:
        path.unlink()
    _sweep("--workers", "2", grid={"init": ["content"]})
    for result in _results():
        _, scores = alone[result.image]
        assert result.scores["style_distance"] == pytest.approx(scores["style_distance"], rel=1e-2)


def test_plan__lists_and_stylizes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _sweep("--plan")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[0].strip() == "swept/pictures/cat--waves/resnet18--style_weight=1--init=content.png"
    assert not Path("swept").exists()


@pytest.mark.parametrize("none", ["none", "None"])
def test_none_as_text__is_none_where_the_option_allows_it(none: str, capsys: pytest.CaptureFixture[str]) -> None:
    def planned(value: str | None) -> list[str]:
        grid = {"style_layers": [value, ["layer1"]], "smoothing": ["none", "softmax"]}
        _sweep("--plan", grid=grid, compare=["style_layers"], settings={**_TINY["settings"], "tile": value})
        return capsys.readouterr().out.splitlines()

    assert planned(none) == planned(None)
    assert len(planned(none)) == 8


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"encoders": ["resnet19"]}, "resnet19"),
        ({"contents": ["dog"]}, "dog"),
        ({"contents": []}, "--contents"),
        ({"pictures": ["nowhere"]}, "nowhere"),
        ({"grid": {"style_wait": [1.0]}}, "style_wait"),
        ({"grid": {"style_weight": 1.0}}, "list"),
        ({"grid": {"style_weight": ["heavy"]}}, "heavy"),
        ({"grid": {"steps": [0]}}, "--steps"),
        ({"compare": ["smoothing"]}, "smoothing"),
        ({"settings": {"output": "x.png"}}, "'output'"),
        ({"contents": ["cat", "cat.png"]}, "different names"),
    ],
    ids=str,
)
def test_mistakes__one_line_before_anything_is_stylized(
    changes: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in _refused(capsys, **changes)


def test_agents__run_stylize_on_the_same_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    _sweep("--agent", "agents.yaml")
    agents = yaml.safe_load(Path("agents.yaml").read_text(encoding="utf-8"))
    assert agents["program"] == "stylize.py"
    parameters = agents["parameters"]
    # What an agent does with the first combination of a grid.
    chosen = {name: entry["values"][0] if "values" in entry else entry["value"] for name, entry in parameters.items()}
    stylize([f"--{name}={value}" for name, value in chosen.items()])
    capsys.readouterr()
    _sweep("--plan")
    done = [line.startswith("done") for line in capsys.readouterr().out.splitlines()]
    assert done == [True] + [False] * 7


def test_tracking__every_picture_is_a_run_and_one_sums_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    grid = {"style_weight": [1.0, 10.0]}
    _sweep(tracking="wandb,csv", encoders=["resnet18"], grid=grid, settings={**_TINY["settings"], "save_every": 1})
    folders = run_folders(Path("swept"))
    assert {folder.parent for folder in folders} == {Path("swept/wandb")}, "one command uploads all of them"
    assert "wandb sync swept/wandb/offline-run-*" in capsys.readouterr().out
    runs = [read_run(folder) for folder in folders]
    assert {run.group for run in runs} == {"swept"}
    assert all(run.finished for run in runs)
    assert sorted(run.job_type for run in runs) == ["stylize", "stylize", "sweep"]
    results = _results()
    distances = {result.scores["style_distance"] for result in results}
    pictures = [run for run in runs if run.job_type == "stylize"]
    assert {run.summary["score/style_distance"] for run in pictures} == distances
    assert {run.config["loss"]["style_weight"] for run in pictures} == {1.0, 10.0}
    assert {run.name for run in pictures} == {"cat x waves | resnet18 | w1", "cat x waves | resnet18 | w10"}
    layers = [f"loss/style/{layer}" for layer in results[0].settings["style_layers"]]
    for run in pictures:
        assert set(run.tags) == {"resnet18", "cat", "waves"}
        assert len(run.column("input/content")) == len(run.column("input/style")) == 1
        assert len(run.column("picture")) == 2, "the snapshot after the step, and the finished picture"
        names = {"loss/total", *layers, "optim/evaluations", "perf/seconds", "perf/peak_memory_bytes"}
        assert names <= {name for row in run.history for name in row}
        assert run.config["versions"]["rnst"] == version("rnst")
        assert str(Path.cwd()) not in json.dumps(run.config), "paths differ for each run, without information"
    assert len(list(Path("swept/metrics").rglob("metrics.csv"))) == 2
    (summary,) = [run for run in runs if run.job_type == "sweep"]
    (logged,) = summary.history
    assert logged["pictures"]["nrows"] == 2
    assert logged["compare"]["path"].endswith(".html")
    assert logged["pareto"]["path"].endswith(".png")


@pytest.mark.slow
def test_smoke_configuration__killed_half_way_and_run_again(capfd: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    script = "from rnst.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        script,
        "sweep",
        "--config",
        str(_CONFIGS[0].with_name("smoke.yaml")),
        "--output",
        "swept",
        "--tracking",
        "off",
    ]
    process = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - our own command
    while len(list(Path("swept/pictures").rglob("*.json"))) < 5:
        assert process.poll() is None
        assert time.monotonic() - began < 300
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {result.image: result.image.stat().st_mtime_ns for result in _results()}
    assert len(before) < 16
    capfd.readouterr()
    subprocess.run(command, env=environment, check=True, timeout=300)  # noqa: S603 - our own command
    assert f"16 pictures, {len(before)} of them there already" in " ".join(capfd.readouterr().err.split())
    assert len(_results()) == 16
    assert all(path.stat().st_mtime_ns == stylized for path, stylized in before.items())
    assert Path("swept/index.html").is_file()
    assert time.monotonic() - began < 300
