"""Kind pb in a training: a signal at any moment keeps a state, and the line about --resume is true."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rnst.cli import train_robust
from rnst.encoders.weights.files import read_weights
from rnst.training.robust_classifier import RobustClassifier
from tests.cases.program import exit_status
from tests.conftest import MakePhotos

_RECIPE = Path(__file__).parents[2] / "configs" / "train" / "imagenette.yaml"
pytestmark = pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty")
_ONE_STEP = """{class_path: rnst.attacks.pgd.PGD, init_args:
  {ball: {class_path: rnst.attacks.ball.L2Ball, init_args: {radius: 1.0}}, steps: 1}}"""
_TINY = {
    "model.architecture": "tiny_vgg",
    "model.evaluation": _ONE_STEP,
    "data.image_size": 32,
    "data.stages": "null",
    "data.batch_size": 4,
    "data.workers": 0,
    "trainer.max_epochs": 2,
    "trainer.precision": "32-true",
    "trainer.accelerator": "cpu",
    "trainer.devices": 1,
    "trainer.num_sanity_val_steps": 1,
    "trainer.limit_val_batches": 2,
    "trainer.limit_test_batches": 1,
    "trainer.check_val_every_n_epoch": 1,
    "trainer.log_every_n_steps": 1,
    "trainer.enable_progress_bar": False,
    "half": False,
    "tracking": "off",
}


@pytest.fixture(autouse=True)
def _as_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tests themselves may run under nohup, and their arguments are not those of the command."""
    monkeypatch.setattr("sys.argv", ["train_robust.py"])
    before = signal.getsignal(signal.SIGHUP)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def _train(root: Path, output: str, *more: str) -> int:
    options = {**_TINY, "data.root": root, "output": output}
    words = ["--config", str(_RECIPE), *(f"--{name}={value}" for name, value in options.items()), *more]
    return exit_status(train_robust, words)


def _signal_in(method: str, call: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a signal to this process in one call of a step; calls of Lightning's check before are not counted."""
    step: Callable[..., Any] = getattr(RobustClassifier, method)
    calls = list[int]()

    def signaling(task: RobustClassifier, *rest: Any) -> Tensor:
        if not task.trainer.sanity_checking:
            calls.append(1)
        if len(calls) == call:
            signal.raise_signal(number)
        result: Tensor = step(task, *rest)
        return result

    monkeypatch.setattr(RobustClassifier, method, signaling)


@pytest.fixture(scope="module")
def whole() -> dict[str, Tensor]:
    return {}


@pytest.mark.parametrize(
    ("method", "call", "number"),
    [
        ("training_step", 1, signal.SIGHUP),
        ("training_step", 3, signal.SIGINT),
        pytest.param("training_step", 5, signal.SIGHUP, marks=pytest.mark.slow),
        ("validation_step", 1, signal.SIGTERM),
        ("validation_step", 4, signal.SIGINT),
    ],
    ids=["first step", "last step of an epoch", "second epoch", "evaluation", "end of the last evaluation"],
)
def test_stopped_and_resumed__equals_a_training_that_was_not(
    method: str, call: int, number: int, whole: dict[str, Tensor], make_photos: MakePhotos, capsys: Any
) -> None:
    root = make_photos()
    if not whole:
        assert _train(root, "whole.safetensors") == 0
        whole.update(read_weights(Path("whole.safetensors"))[0])
    with pytest.MonkeyPatch.context() as patch:
        _signal_in(method, call, number, patch)
        assert _train(root, "parts.safetensors") == 128 + number
    assert "stopped; --resume continues from the newest complete checkpoint" in capsys.readouterr().err
    assert not Path("parts.safetensors").exists()
    assert _train(root, "parts.safetensors", "--resume") == 0
    parts = read_weights(Path("parts.safetensors"))[0]
    assert [name for name, tensor in whole.items() if not torch.equal(parts[name], tensor)] == []


def test_stopped_before_the_first_step__says_that_nothing_was_kept(
    make_photos: MakePhotos, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(RobustClassifier, "on_fit_start", stop, raising=False)
    assert _train(make_photos(), "parts.safetensors") == 128 + signal.SIGTERM
    assert "stopped before there was anything to keep" in capsys.readouterr().err


def test_stopped_while_it_is_measured__resume_measures_and_exports(
    make_photos: MakePhotos, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_photos()
    with pytest.MonkeyPatch.context() as patch:
        _signal_in("test_step", 1, signal.SIGTERM, patch)
        assert _train(root, "parts.safetensors") == 128 + signal.SIGTERM
    assert "--resume continues" in capsys.readouterr().err
    assert _train(root, "parts.safetensors", "--resume") == 0
    assert read_weights(Path("parts.safetensors"))[1]["epochs"] == 2
