"""Kinds AB and pc: Weights & Biases that cannot be had costs a warning, and the run goes on offline."""

import logging
from pathlib import Path

import pytest

from rnst.cli import stylize
from rnst.reporting.tracking.run import Run
from rnst.reporting.tracking.wandb_runs import open_wandb
from tests.cases.program import arguments, exit_status
from tests.offline_runs import run_folders

pytestmark = pytest.mark.usefixtures("photo_and_painting")

_CASES = {
    "a short key": {"WANDB_API_KEY": "short"},
    "no key": {"WANDB_MODE": "online"},
    "no address": {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": "nonsense"},
    "no server": {"WANDB_API_KEY": "a" * 40, "WANDB_BASE_URL": "http://127.0.0.1:9"},
}

_RUN = Run(name="n", job_type="stylize", group="g")


@pytest.mark.parametrize("case", _CASES)
def test_offline_with_a_warning(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """AB: a wrong key, a wrong address, a server out of reach."""
    monkeypatch.setattr("rnst.reporting.tracking.wandb_runs._INIT_SECONDS", 2.0)
    for name, value in _CASES[case].items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING):
        logger = open_wandb(tmp_path / "run", _RUN)
    assert "Weights & Biases: " in caplog.text
    assert "the run is written to disk" in caplog.text
    assert logger is not None
    logger.experiment.finish()
    assert len(run_folders(tmp_path / "run")) == 1


def test_a_place_that_cannot_be_written(capfd: pytest.CaptureFixture[str]) -> None:
    """AB: a file where the folder of runs should be; the picture is made without a run."""
    Path("wandb").write_text("a file")
    assert exit_status(stylize, arguments(tracking="wandb")) == 0
    assert Path("out.png").is_file()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("home", [None, "/proc"])
def test_no_home__no_log_lines_of_the_library(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """pc: a container without a home folder, or with one that cannot be written."""
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, "unset")
        monkeypatch.delenv(name)
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    logger = open_wandb(tmp_path / "run", _RUN)
    assert logger is not None
    logger.experiment.finish()
    assert "INFO" not in capfd.readouterr().err
