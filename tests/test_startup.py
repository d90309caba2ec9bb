"""Help and mistakes are answered before torch is imported, which takes ten seconds; in fresh processes."""

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
_PROGRAM = """
import contextlib, io, json, resource, sys
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
    try:
        {work}
        code = 0
    except SystemExit as stop:
        code = stop.code
print(json.dumps([code, out.getvalue(), err.getvalue(), sorted(set(sys.modules) & set({heavy}))]))
"""


def _in_fresh_process(work: str, folder: Path) -> tuple[object, str, str, list[str]]:
    """Exit status, both outputs, and the heavy modules that were imported."""
    program = _PROGRAM.format(work=work, heavy=_HEAVY)
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=folder)  # noqa: S603
    code, out, err, heavy = json.loads(done.stdout)
    return code, out, err, heavy


@pytest.mark.parametrize("command", [*COMMANDS, ""])
def test_help(command: str, tmp_path: Path) -> None:
    arguments = [*filter(None, [command]), "--help"]
    code, out, err, heavy = _in_fresh_process(f"from rnst.cli import main; main({arguments})", tmp_path)
    assert (code, err, heavy) == (0, "", [])
    assert out.startswith("usage: ")


@pytest.mark.parametrize("name", ["stylize", "train_robust"])
def test_help_of_the_programs(name: str, tmp_path: Path) -> None:
    work = f"from rnst.cli import {name}; {name}(['--help'])"
    code, out, _, heavy = _in_fresh_process(work, tmp_path)
    assert (code, heavy) == (0, [])
    assert name in out


def test_list_of_networks(tmp_path: Path) -> None:
    code, out, _, heavy = _in_fresh_process("from rnst.cli import main; main(['models'])", tmp_path)
    assert (code, heavy) == (0, [])
    assert "resnet50_robust" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
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
        (["convert", "in.pt", "out.pt", "--to", "onnx"], "onnx"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(arguments: list[str], said: str, tmp_path: Path) -> None:
    code, out, err, heavy = _in_fresh_process(f"from rnst.cli import main; main({arguments})", tmp_path)
    assert (code, out, heavy) == (2, "", [])
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_settings(tmp_path: Path) -> None:
    assert len(_SETTINGS) >= 7
    code, _, _, heavy = _in_fresh_process(f"import {', '.join([*_SETTINGS, 'rnst.sweeps.plan'])}", tmp_path)
    assert (code, heavy) == (0, [])


def test_idle_threads_wait_without_work(tmp_path: Path) -> None:
    """Whichever way the program is started."""
    _, out, _, _ = _in_fresh_process(
        "import os; os.environ.pop('OMP_WAIT_POLICY', 0); import rnst.cli; print(os.environ['OMP_WAIT_POLICY'])",
        tmp_path,
    )
    assert out == "passive\n"
