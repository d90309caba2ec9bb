"""Kind pb: Ctrl-C, SIGTERM and SIGHUP keep the best picture and a state, and the exit status says which one it was."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
import torch

from rnst.cli import main, stylize
from rnst.image.files import read_image, write_image
from rnst.optimization.workers import in_processes
from rnst.results import Result
from rnst.signals import Stopped, deferred, handled, stopped_by_signals
from rnst.stylization import delivery
from rnst.stylization.progress import StylizationProgress
from tests.cases.program import arguments, exit_status, pictures

pytestmark = pytest.mark.usefixtures("photo_and_painting")

_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def _as_from_a_terminal() -> Iterator[None]:
    """The tests themselves may run under nohup."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _signal_at(step: int, number: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Send a signal to this process in a step, counted over all pictures; returns the steps that were made."""
    made = list[int]()
    hook = StylizationProgress.on_train_batch_end

    def signaling(progress: StylizationProgress, *rest: Any) -> None:
        made.append(len(made) + 1)
        if made[-1] == step:
            signal.raise_signal(number)
        hook(progress, *rest)

    monkeypatch.setattr(StylizationProgress, "on_train_batch_end", signaling)
    return made


@pytest.mark.parametrize("number", _SIGNALS, ids=lambda number: number.name)
def test_picture(number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    before = {one: signal.getsignal(one) for one in _SIGNALS}
    assert exit_status(stylize, arguments(steps=4, output="whole.png")) == 0
    made = _signal_at(2, number, monkeypatch)
    assert exit_status(stylize, arguments(steps=4)) == 128 + number
    said = capsys.readouterr()
    assert "--resume continues it" in said.err
    assert said.out.endswith("out.png: 32 x 24 pixels, 0 s\n") or "out.png: 32 x 24 pixels" in said.out
    assert not Result.read(Path("out.json")).finished
    assert read_image(Path("out.png")).shape == (1, 3, 24, 32)
    assert exit_status(stylize, arguments("--resume", steps=4)) == 0
    assert len(made) == 4, "no step is made twice"
    assert torch.equal(read_image(Path("out.png")), read_image(Path("whole.png")))
    assert {one: signal.getsignal(one) for one in _SIGNALS} == before


def test_folder__nothing_is_stylized_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the second picture and resumed: every step is made once."""
    pictures(Path(), "photos/a.png", "photos/b.png", "photos/c.png")
    words = arguments(content="photos", output="done")
    made = _signal_at(3, signal.SIGTERM, monkeypatch)
    assert exit_status(stylize, words) == 128 + signal.SIGTERM
    finished = {path: path.stat().st_mtime_ns for path in Path("done").glob("a.*")}
    assert exit_status(stylize, [*words, "--resume"]) == 0
    assert len(made) == 6
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(list(Path("done").iterdir())) == 6, "three pictures, three records, no state"


def test_sweep__nothing_is_stylized_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = "size: 96, supersample: 1.0, steps: 3, scales: 1, weights: random, shifts: 1, margin: 4, save_every: 0"
    pictures_and_network = "contents: [cat.png]\nstyles: [waves.png]\nencoders: [resnet18]\n"
    grid = "grid: {style_weight: [1, 2]}\noutput: swept\ntracking: 'off'\n"
    Path("sweep.yaml").write_text(f"{pictures_and_network}{grid}settings: {{{settings}}}\n")
    made = _signal_at(5, signal.SIGTERM, monkeypatch)
    assert exit_status(main, ["sweep", "--config", "sweep.yaml"]) == 128 + signal.SIGTERM
    assert exit_status(main, ["sweep", "--config", "sweep.yaml"]) == 0
    assert len(made) == 6
    assert not list(Path("swept").rglob("*.state*"))


def test_a_signal_while_the_picture_is_written_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a picture or none would be lost work: writing it is finished first."""

    def interrupted(*given: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        write_image(*given, **options)

    monkeypatch.setattr(delivery, "write_image", interrupted)
    assert exit_status(stylize, arguments()) == 128 + signal.SIGTERM
    assert Result.read(Path("out.json")).finished
    assert read_image(Path("out.png")).shape == (1, 3, 24, 32)


def test_the_second_signal_does_not_wait() -> None:
    def twice() -> None:
        with deferred():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second signal was kept back")

    with pytest.raises(Stopped):
        twice()


def test_what_the_program_was_started_to_ignore_stays_ignored() -> None:
    """As by nohup: a lost terminal is no reason to stop."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled(lambda *_: pytest.fail("it was to be ignored")):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def _wait(_: int) -> None:
    signal.pause()


@pytest.mark.slow
def test_workers_stop_with_the_program() -> None:
    """SIGTERM comes to the program alone: its workers are stopped by it, and nothing waits for their pictures."""

    def run() -> None:
        with stopped_by_signals():
            list(in_processes(_wait, [1, 2], 2))

    began = time.monotonic()
    Timer(20.0, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with pytest.raises(Stopped):
        run()
    assert time.monotonic() - began < 60.0
