import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from rnst.app.jobs import BusyError, Jobs
from rnst.errors import InvalidValueError
from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.job import Job, resolve
from rnst.stylization.live_state import LiveState
from rnst.stylization.scales import Scale
from rnst.stylization.settings import StylizationSettings


def _job(name: str) -> Job:
    return resolve(StylizationSettings(output=Path(f"{name}.png")))


class _Maker:
    """Makes pictures step by step, as the test allows; the name of its file chooses how it ends."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.made: list[str] = []

    def __call__(self, job: Job, live: LiveState) -> Result:
        self.begun.set()
        assert self.go.wait(10)
        finished = True
        try:
            live(1, torch.zeros(1, 3, 4, 6), {"total": 1.0})
        except KeyboardInterrupt:
            finished = False
        output = job.records.output
        name = output.stem
        if name == "wrong":
            raise InvalidValueError("--size", 3, "more")
        if name == "bug":
            raise ZeroDivisionError("by zero")
        if name == "memory":
            raise RuntimeError("CUDA out of memory")
        if name == "signal":
            finished = False
        self.made.append(name)
        return Result(output, "c", ("s",), "e", {}, 1.0, 1, {}, finished=finished)


@pytest.fixture
def maker() -> _Maker:
    return _Maker()


@pytest.fixture
def jobs(maker: _Maker) -> Iterator[Jobs]:
    jobs = Jobs(maker, lambda _: LiveState([Scale((4, 6), 2, 0)]))
    yield jobs
    jobs.close()


def _work(jobs: Jobs) -> threading.Thread:
    worker = threading.Thread(target=jobs.work)
    worker.start()
    return worker


def _ended(jobs: Jobs, name: str) -> None:
    for _ in range(1000):
        if jobs.seen().ended == Path(f"{name}.png"):
            return
        threading.Event().wait(0.01)
    raise AssertionError(jobs.seen())


def test_one_after_the_other__in_their_order(jobs: Jobs, maker: _Maker) -> None:
    for name in "abc":
        jobs.add(_job(name))
    worker = _work(jobs)
    assert maker.begun.wait(10)
    seen = jobs.seen()
    assert (seen.output, seen.waiting) == (Path("a.png"), (Path("b.png"), Path("c.png")))
    assert seen.live["step"] == 0
    maker.go.set()
    _ended(jobs, "c")
    assert maker.made == ["a", "b", "c"]
    assert jobs.seen().output is None
    assert jobs.seen().version > seen.version
    jobs.close()
    worker.join(10)
    assert not worker.is_alive()


def test_stop__ends_this_picture_and_begins_the_next(jobs: Jobs, maker: _Maker) -> None:
    jobs.stop()  # nothing to stop
    jobs.add(_job("a"))
    jobs.add(_job("b"))
    _work(jobs)
    assert maker.begun.wait(10)
    jobs.stop()
    assert jobs.seen().live["stopping"]
    maker.go.set()
    _ended(jobs, "b")
    assert maker.made == ["a", "b"]
    assert jobs.seen().problem == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("wrong", "--size is 3, but must be more"),
        ("memory", "out of memory. Choose a smaller size, or less detail"),
        ("bug", "an error in rnst, ZeroDivisionError: by zero"),
    ],
)
def test_what_goes_wrong__is_one_line_and_the_next_picture_is_made(
    name: str, problem: str, jobs: Jobs, maker: _Maker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "rnst.app.jobs")
    maker.go.set()
    jobs.add(_job(name))
    _work(jobs)
    _ended(jobs, name)
    assert jobs.seen().problem == problem
    jobs.add(_job("b"))
    _ended(jobs, "b")
    assert jobs.seen().problem == ""


def test_a_signal__ends_the_work(jobs: Jobs, maker: _Maker) -> None:
    maker.go.set()
    jobs.add(_job("signal"))
    with pytest.raises(Stopped):
        jobs.work()


def test_too_many__are_refused(jobs: Jobs) -> None:
    for number in range(20):
        jobs.add(_job(str(number)))
    with pytest.raises(BusyError, match="20 pictures wait"):
        jobs.add(_job("more"))
