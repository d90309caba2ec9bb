import contextlib
import runpy
import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest

from rnst.cli import COMMANDS, GROUPS, main, stylize, train_robust
from rnst.encoders.names import BUNDLED, DEFAULT_ENCODER, encoder_names
from rnst.encoders.published import PUBLISHED


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
    for title, commands in GROUPS.items():
        _, found, rest = written.out.partition(f"\n\n{title}\n")
        rows = rest.partition("\n\n")[0].splitlines()
        assert found
        assert [row.split(maxsplit=1) for row in rows] == [list(row) for row in commands.items()]
        assert len({row.index(summary) for row, summary in zip(rows, commands.values(), strict=True)}) == 1, "a column"
    assert "stylize.py" in written.out
    assert "train_robust.py" in written.out


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code("model") == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert "models" in written.err


def test_models__all_of_ours_and_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models"])
    written = capsys.readouterr().out
    *rows, legend = written.splitlines()
    names = [row[2:].split()[0] for row in rows]
    assert set(BUNDLED) <= set(names)
    families = written.partition("torchvision (")[2].replace(",", " ").split()
    others = [name for name in encoder_names() if name not in PUBLISHED and name not in BUNDLED]
    assert [name for name in others if families.count(name) != 1] == []
    assert len(rows) < 70, "a family of torchvision has a row of its own, and not each network"
    assert [row[2:].split()[0] for row in rows if row.startswith("*")] == [DEFAULT_ENCODER]
    assert rows[0].startswith(f"bundled ({len(BUNDLED)})")
    assert "resnet50_l2_eps{0,0.01,0.03,0.05,0.1,0.25,0.5,1,3,5}" in names, "one row for a family"
    assert max(map(len, rows)) <= 120
    assert legend.startswith("* is the default")


def test_models__rows_that_hold_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "resnet50_L2"])
    heading, *rows, _ = capsys.readouterr().out.splitlines()
    assert heading.startswith("published (11)")
    assert sum(row.split()[0] == "resnet50_l2_eps3" and "62.83%" in row for row in rows) == 1
    assert _code("models", "no such text") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_models__help_and_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code("models", "--help") == 0
    assert "usage: rnst models" in capsys.readouterr().out
    assert _code("models", "--all") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_mistyped_command__the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert _code("styleize") == 2
    assert "unknown command 'styleize'; did you mean stylize?" in capsys.readouterr().err


@pytest.mark.parametrize("program", [main, stylize, train_robust])
def test_version(program: Callable[[list[str]], None], capsys: pytest.CaptureFixture[str]) -> None:
    program(["--version"])
    assert capsys.readouterr().out == f"rnst {version('rnst')}\n"


def test_python_with_m__is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["rnst", "--version"])
    runpy.run_module("rnst", run_name="__main__")
    assert capsys.readouterr().out == f"rnst {version('rnst')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help__one_look(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that says what the command does, then examples; no types of a parser."""
    with contextlib.suppress(SystemExit):
        main([command, "--help"])
    usage, blank, description, *rest = capsys.readouterr().out.splitlines()
    assert usage.startswith("usage: ")
    assert (blank, description[-1]) == ("", ".")
    assert rest[:2] == ["", "examples"]
    assert not [line for line in rest if "<class" in line or "ITEM" in line or "type:" in line]


@pytest.mark.parametrize("shown", ["[20; at least 1]", "[95; 1..100]", "[0.99; at least 0 and less than 1]"])
def test_help__defaults_and_ranges(shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        main(["stylize", "--help_all"])
    assert shown in " ".join(capsys.readouterr().out.split())
