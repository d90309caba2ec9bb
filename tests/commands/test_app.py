"""What `rnst app` answers before it serves anything; tests/app has the page itself."""

import socket
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from rnst.cli import main

_WITH_EXTRA = pytest.mark.skipif(find_spec("gradio") is None, reason="gradio is not installed; it is the extra app")


def _answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["app", *arguments])
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_without_the_extra__it_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert _answer(capsys).startswith("error: rnst app needs the extra 'app': start it by uv run --extra app")


@_WITH_EXTRA
def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert _answer(capsys, "--output", str(tmp_path / "file" / "out")).startswith("error: --output is ")


@_WITH_EXTRA
@pytest.mark.browser
def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the browser's tests, as it imports gradio."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = _answer(capsys, "--output", str(tmp_path), "--port", str(port), "--no-browser")
    assert answer == f"error: port {port} is taken. Give another --port, or 0 for a free one."
