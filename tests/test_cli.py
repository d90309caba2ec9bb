import pytest

from rnst.cli import main
from rnst.encoders.catalog import BUNDLED, DEFAULT_ENCODER, encoder_names


def _code(*arguments: str) -> object:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    return stopped.value.code


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]], ids=str)
def test_without_a_command__lists_them(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert _code(*arguments) == 0
    written = capsys.readouterr()
    assert written.err == ""
    assert written.out.startswith("usage: rnst COMMAND")
    assert "\n  models " in written.out
    assert "stylize.py" in written.out
    assert "train_robust.py" in written.out


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code("model") == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert "models" in written.err


def test_models__all_names_and_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models"])
    *rows, legend = capsys.readouterr().out.splitlines()
    assert [row[2:].split()[0] for row in rows] == encoder_names()
    assert [row[2:].split()[0] for row in rows if row.startswith("*")] == [DEFAULT_ENCODER]
    assert [row[2:].split()[1] for row in rows[: len(BUNDLED)]] == ["bundled"] * len(BUNDLED)
    assert f" {len(BUNDLED)} " in legend


def test_models__help_and_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code("models", "--help") == 0
    assert "usage: rnst models" in capsys.readouterr().out
    assert _code("models", "--all") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
