import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from rnst.cli import main

pytest.importorskip("wandb_workspaces", reason="the extra dashboard is not installed")


_LOGGED = {
    *("picture", "input/content", "input/style", "loss/total", "loss/style", "loss/content"),
    *("perf/seconds", "perf/peak_memory_bytes", "pareto", "compare"),
    *("score/style_distance", "score/texture_distance", "score/color_distance", "score/edge_correlation"),
    *("train/loss", "train/accuracy_attacked", "train/learning_rate", "train/radius", "perf/images_per_second"),
    *("val/accuracy_clean", "val/accuracy_attacked", "test/accuracy_clean", "test/accuracy_attacked", "attack"),
}
_SETTINGS = {
    *("network.encoder", "loss.style_weight", "loss.content_weight", "pictures.init", "image.steps"),
    *("model.architecture", "model.attack.ball.radius", "model.recipe.learning_rate"),
}


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")


def test_without_an_account__a_file_with_every_panel(capsys: pytest.CaptureFixture[str]) -> None:
    main(["dashboard", "--project", "mine", "--output", "new/dashboard.json"])
    workspace = json.loads(Path("new/dashboard.json").read_text(encoding="utf-8"))
    assert workspace["project"] == "mine"
    sections = workspace["spec"]["section"]["panelBankConfig"]["sections"]
    kinds = [panel["viewType"] for section in sections for panel in section["panels"]]
    for kind in ("Scatter Plot", "Parallel Coordinates Plot", "Media Browser", "Run Comparer", "Run History Line Plot"):
        assert kind in kinds, kinds
    assert "new/dashboard.json" in capsys.readouterr().out


def test_a_file_that_is_no_workspace_is_not_replaced() -> None:
    mine, ours = Path("mine.json"), Path("ours.json")
    mine.write_text('{"precious": true}', encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["dashboard", "--output", str(mine)])
    assert mine.read_text(encoding="utf-8") == '{"precious": true}'
    for _ in range(2):
        main(["dashboard", "--output", str(ours)])


def test_no_panel_is_empty__and_the_library_reads_them_back() -> None:
    """The names are those that the tests of stylize, sweep and train find in default runs."""
    main(["dashboard", "--output", "new/dashboard.json"])
    content = json.loads(Path("new/dashboard.json").read_text(encoding="utf-8"))
    internal: Any = import_module("wandb_workspaces.workspaces.internal")
    workspaces: Any = import_module("wandb_workspaces.workspaces")
    workspace = workspaces.Workspace._from_model(internal.View.model_validate(content))
    assert [section.name for section in workspace.sections] == ["Pictures", "Sweeps", "Trainings", "Settings"]
    assert all(section.panels for section in workspace.sections)
    text = json.dumps(content)
    found = set(
        re.findall(r'"(?:summary:)?((?:loss|score|perf|train|val|test|input)/\w+|picture|attack|pareto|compare)"', text)
    )
    assert found <= _LOGGED, "a panel of names that nothing logs stays empty"
    assert found >= {"picture", "loss/total", "score/style_distance", "val/accuracy_attacked", "attack", "pareto"}
    settings = {name.replace(".value.", ".", 1) for name in re.findall(r'"config:([\w.]+)"', text)}
    assert settings == _SETTINGS


def test_without_the_extra__says_which(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    with pytest.raises(SystemExit) as stopped:
        main(["dashboard"])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: a dashboard needs the extra 'dashboard': start it by uv run --extra dashboard")
    assert message.count("\n") == 1
    assert not Path("outputs").exists()
