"""Each case runs in a folder of its own that holds a photo and a painting, without tracking keys."""

from pathlib import Path

import pytest

from tests.cases.program import pictures


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    pictures(tmp_path, "cat.png", "waves.png")
