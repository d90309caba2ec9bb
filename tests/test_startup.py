"""Help and mistakes are answered before torch is imported, which takes seconds: all of them by one fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnst.cli import COMMANDS

_ROOT = Path(__file__).parents[1]
_HEAVY = ("torch", "torchvision", "pytorch_lightning", "torchmetrics", "wandb", "scipy", "matplotlib", "skimage")
_SETTINGS = sorted(
    ".".join(path.relative_to(_ROOT).with_suffix("").parts)
    for path in (_ROOT / "rnst").rglob("*.py")
    if path.stem == "settings"
)
_MISTAKES = [
    (["stylize", "--content", "missing.jpg"], "missing.jpg"),
    (["stylize", "--style", "missing.jpg"], "missing.jpg"),
    (["stylize", "--weights", "missing.pt"], "missing.pt"),
    (["stylize", "--encoder", "resnet51"], "resnet51"),
    (["stylize", "--output", "picture.xyz"], ".xyz"),
    (["stylize", "--colors", "keep"], "colors"),
    (["stylize", "--config", "draught"], "draught"),
    (["train", "--config", "imaginette"], "imaginette"),
    (["evaluate", "--data", "missing", "--photos", "-1"], "photos"),
    (["layers", "--data", "missing", "--encoders", "resnet51"], "resnet51"),
    (["artifacts", "--fixes", "hope"], "hope"),
    (["corruption", "--networks", "resnet18", "--data", "missing", "--corruptions", "fogg"], "fogg"),
    (["pack", "missing", "out"], "missing"),
    (["curve", "missing"], "missing"),
    (["app", "--port", "70000"], "port"),
    (["app", "--no-browzer"], "no_browser"),
    (["convert", "in.pt", "out.pt", "--to", "onnx"], "onnx"),
]
_PROGRAMS = ("stylize", "train_robust")
_THREADS = "import os; os.environ.pop('OMP_WAIT_POLICY', 0); import rnst.cli; print(os.environ['OMP_WAIT_POLICY'])"
_WORKER = """
import contextlib, io, json, sys
works, heavy = json.loads(sys.argv[1])
answers, seen = [], set()
for work in works:
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            exec(work, {})
            code = 0
        except SystemExit as stop:
            code = stop.code
    imported = set(sys.modules) & set(heavy)
    answers.append([code, out.getvalue(), err.getvalue(), sorted(imported - seen)])
    seen |= imported
print(json.dumps(answers))
"""

Answer = tuple[object, str, str, list[str]]


def _main(*arguments: str) -> str:
    return f"from rnst.cli import main; main({list(arguments)})"


def _program(name: str) -> str:
    return f"from rnst.cli import {name}; {name}(['--help'])"


def _imports() -> str:
    return f"import {', '.join([*_SETTINGS, 'rnst.sweeps.plan'])}"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """For each work: exit status, both outputs, and the heavy modules that it imported and none before it did."""
    works = [
        _THREADS,  # first, while nothing is imported
        _imports(),
        *(_main(*filter(None, [command]), "--help") for command in (*COMMANDS, "")),
        *map(_program, _PROGRAMS),
        _main("models"),
        *(_main(*arguments) for arguments, _ in _MISTAKES),
    ]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-c", _WORKER, json.dumps([works, _HEAVY])]
    folder = tmp_path_factory.mktemp("empty")
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=folder)  # noqa: S603
    return dict(zip(works, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize("command", [*COMMANDS, ""])
def test_help(command: str, answers: dict[str, Answer]) -> None:
    code, out, err, heavy = answers[_main(*filter(None, [command]), "--help")]
    assert (code, err, heavy) == (0, "", [])
    assert out.startswith("usage: ")


@pytest.mark.parametrize("name", _PROGRAMS)
def test_help_of_the_programs(name: str, answers: dict[str, Answer]) -> None:
    code, out, _, heavy = answers[_program(name)]
    assert (code, heavy) == (0, [])
    assert name in out


def test_list_of_networks(answers: dict[str, Answer]) -> None:
    code, out, _, heavy = answers[_main("models")]
    assert (code, heavy) == (0, [])
    assert "resnet50_robust" in out


@pytest.mark.parametrize(
    ("arguments", "message"), _MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_mistakes(arguments: list[str], message: str, answers: dict[str, Answer]) -> None:
    code, out, err, heavy = answers[_main(*arguments)]
    assert (code, out, heavy) == (2, "", [])
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_settings(answers: dict[str, Answer]) -> None:
    assert len(_SETTINGS) >= 7
    code, _, _, heavy = answers[_imports()]
    assert (code, heavy) == (0, [])


def test_idle_threads_wait_without_work(answers: dict[str, Answer]) -> None:
    """Whichever way the program is started."""
    _, out, _, _ = answers[_THREADS]
    assert out == "passive\n"
