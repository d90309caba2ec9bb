import json
import sys
from pathlib import Path

import pytest

from rnst.cli import main

pytest.importorskip("wandb_workspaces", reason="the extra dashboard is not installed")


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
    text = json.dumps(workspace)
    # The names are those under which pictures and trainings are tracked.
    for name in ("score/style_distance", "final", "loss/total", "val/accuracy_attacked", "attack", "pareto"):
        assert f'"{name}"' in text or f":{name}" in text, name
    assert "new/dashboard.json" in capsys.readouterr().out


def test_without_the_extra__says_which(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    with pytest.raises(SystemExit) as stopped:
        main(["dashboard"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "error: a dashboard needs the extra 'dashboard': pip install 'rnst[dashboard]'\n"
    assert not Path("outputs").exists()
