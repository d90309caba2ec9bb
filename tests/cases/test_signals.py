"""Kind pb: Ctrl-C, SIGTERM and SIGHUP keep the best picture and a state, and the exit status says which one it was."""

import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.cli import main, stylize
from rnst.image.files import read_image
from rnst.optimization.workers import in_processes
from rnst.results import Result
from rnst.signals import Stopped, deferred, handled
from rnst.stylization import delivery
from rnst.stylization.progress import StylizationProgress
from tests.cases.program import arguments, exit_status, pictures

_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


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
    assert "--resume goes on with it" in said.err
    assert said.out.endswith("out.png: 32 x 24 pixels, 0 s\n") or "out.png: 32 x 24 pixels" in said.out
    assert not Result.read(Path("out.json")).finished
    assert read_image(Path("out.png")).shape == (1, 3, 24, 32)
    assert exit_status(stylize, arguments("--resume", steps=4)) == 0
    assert len(made) == 4, "no step is made twice"
    assert torch.equal(read_image(Path("out.png")), read_image(Path("whole.png")))
    assert {one: signal.getsignal(one) for one in _SIGNALS} == before


@pytest.mark.parametrize("number", _SIGNALS, ids=lambda number: number.name)
def test_folder_and_sweep__nothing_is_stylized_twice(number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the second picture and resumed: every step is made once."""
    pictures(Path(), "photos/a.png", "photos/b.png", "photos/c.png")
    words = arguments(content="photos", output="done", steps=3)
    made = _signal_at(5, number, monkeypatch)
    assert exit_status(stylize, words) == 128 + number
    finished = {path: path.stat().st_mtime_ns for path in Path("done").glob("a.*")}
    assert exit_status(stylize, [*words, "--resume"]) == 0
    assert len(made) == 9
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(list(Path("done").iterdir())) == 6, "three pictures, three records, no state"


def test_sweep__nothing_is_stylized_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = "size: 64, supersample: 1.0, steps: 3, scales: 1, weights: random, shifts: 1, margin: 4, save_every: 0"
    text = (
        f"contents: [cat.png]\nstyles: [waves.png]\nencoders: [resnet18]\ntracking: 'off'\nsettings: {{{settings}}}\n"
    )
    Path("sweep.yaml").write_text(text + "grid: {style_weight: [1, 2]}\noutput: swept\n")
    made = _signal_at(5, signal.SIGTERM, monkeypatch)
    assert exit_status(main, ["sweep", "--config", "sweep.yaml"]) == 128 + signal.SIGTERM
    assert exit_status(main, ["sweep", "--config", "sweep.yaml"]) == 0
    assert len(made) == 6
    assert not list(Path("swept").rglob("*.state*"))


def test_a_signal_while_the_picture_is_written_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a picture or none would be lost work: writing it is finished first."""
    write_image = delivery.write_image

    def interrupted(*given: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        write_image(*given, **options)

    monkeypatch.setattr(delivery, "write_image", interrupted)
    assert exit_status(stylize, arguments()) == 128 + signal.SIGTERM
    assert Result.read(Path("out.json")).finished
    assert read_image(Path("out.png")).shape == (1, 3, 24, 32)


def test_the_second_signal_does_not_wait() -> None:
    with pytest.raises(Stopped), deferred():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second signal was kept back")


def test_what_the_program_was_started_to_ignore_stays_ignored() -> None:
    """As by nohup: a lost terminal is no reason to stop."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled(lambda *_: pytest.fail("it was to be ignored")):
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def _in_worker(_: int) -> None:
    signal.pause()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM], ids=lambda number: number.name)
def test_workers_stop_with_the_program(number: signal.Signals) -> None:
    def stop(received: int, _frame: object) -> None:
        raise Stopped(number=received)

    with pytest.raises(Stopped), handled(stop):
        signal.setitimer(signal.ITIMER_REAL, 0)
        from threading import Timer

        Timer(8.0, lambda: signal.pthread_kill(_main_thread(), number)).start()
        list(in_processes(_in_worker, [1, 2], 2))


def _main_thread() -> int:
    from threading import main_thread

    return main_thread().ident or 0
