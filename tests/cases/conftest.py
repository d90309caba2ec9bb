"""Each case runs in a folder of its own, without tracking keys."""

from pathlib import Path

import pytest

from tests.cases.program import pictures


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def photo_and_painting(tmp_path: Path) -> None:
    """The files `cat.png` and `waves.png` in the folder of the case."""
    pictures(tmp_path, "cat.png", "waves.png")
