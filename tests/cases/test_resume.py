"""Part 6 of the review: the same picture is known by its contents, so that folders of pictures can be relocated."""

import shutil
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from torch import Tensor

from rnst.cli import stylize
from rnst.image.files import read_image
from rnst.machine import begin_peak, peak_bytes
from rnst.results import Result
from rnst.stylization.job import Job, resolve
from rnst.stylization.picture import stylize_job
from rnst.stylization.record import finished
from rnst.stylization.resuming import with_state
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.state import State, state_path
from rnst.stylization.stylize import stylize as stylize_picture
from tests.cases.program import FAST, exit_status, pictures

pytestmark = pytest.mark.usefixtures("photo_and_painting")


def _job(folder: Path, **options: Any) -> Job:
    lists = {name: [FAST[name]] for name in ("style_layers", "content_layers")}
    places = {"content": str(folder / "cat.png"), "style": str(folder / "waves.png"), "output": folder / "out.png"}
    return resolve(StylizationSettings(**{**FAST, **lists, **places, "steps": 4, **options}))


def _stopped(job: Job, step: int = 2) -> Result:
    def stop(number: int, _image: Tensor, _losses: Mapping[str, float]) -> None:
        if number == step:
            signal.raise_signal(signal.SIGTERM)

    return stylize_job(job, Console(quiet=True), stop).result


@pytest.mark.parametrize("how", [shutil.move, shutil.copytree], ids=["moved", "copied"])
def test_folder_with_a_state__goes_on_elsewhere(how: Any) -> None:
    """The paths of a state differ, what is in the files does not."""
    pictures(Path(), "a/cat.png", "a/waves.png")
    whole = stylize_job(_job(Path("a"), output=Path("a/whole.png")), Console(quiet=True))
    assert not _stopped(_job(Path("a"))).finished
    how("a", "b/c")
    steps = list[int]()
    job = _job(Path("b/c"), resume=True)
    result = stylize_job(job, Console(quiet=True), lambda number, *_: steps.append(number)).result
    assert steps == [3, 4]
    assert result.losses == whole.result.losses
    assert read_image(Path("b/c/out.png")).equal(read_image(next(Path().rglob("whole.png"))))


def test_folder_of_finished_pictures__is_not_made_again_elsewhere() -> None:
    """One definition of the same picture for folder, sweep and studies: hashes of files, not their names."""
    pictures(Path(), "a/cat.png", "a/waves.png", "a/start.png")
    options = {"init": "a/start.png", "color_basis": "a/waves.png"}
    stylize_job(_job(Path("a"), **options), Console(quiet=True))
    shutil.move("a", "b")
    options = {name: value.replace("a/", "b/") for name, value in options.items()}
    assert finished(_job(Path("b"), **options)) is not None
    assert finished(_job(Path("b"), init="content", color_basis="b/waves.png")) is None, "another kind of start"
    shutil.copy("b/cat.png", "b/start.png")
    assert finished(_job(Path("b"), **options)) is None, "other contents of a file"


def test_what_a_sweep_finds_stopped__is_resumed_only_if_it_is_the_same_picture() -> None:
    job = _job(Path())
    assert not with_state(job).records.resume, "no state"
    _stopped(job)
    assert with_state(job).records.resume
    assert not with_state(_job(Path(), steps=5)).records.resume
    state_path(job.records.output).write_bytes(b"damaged")
    assert not with_state(job).records.resume


def test_state__goes_with_its_picture_until_that_is_on_the_disk() -> None:
    """Killed between the last step and the picture: the state is still there, and no step is lost."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the machine went off")

    job = _job(Path(), save_every=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rnst.stylization.picture.deliver", fail)
        with pytest.raises(RuntimeError, match="went off"):
            stylize_job(job, Console(quiet=True))
    assert State.read(state_path(job.records.output)).step >= 1
    steps = list[int]()
    resumed = replace(job, records=replace(job.records, resume=True))
    assert stylize_job(resumed, Console(quiet=True), lambda number, *_: steps.append(number)).result.finished
    assert 1 not in steps


def test_stop_button__keeps_a_state() -> None:
    """What `on_step` raises, as the button of the live view does, stops between two steps."""

    def press(number: int, *_: Any) -> None:
        if number == 2:
            raise KeyboardInterrupt

    lists = {name: [FAST[name]] for name in ("style_layers", "content_layers")}
    options: dict[str, Any] = {**FAST, **lists, "content": "cat.png", "style": "waves.png", "steps": 4}
    result = stylize_picture(StylizationSettings(**options), console=Console(quiet=True), on_step=press).result
    assert not result.finished
    assert State.read(state_path(result.image)).step == 2


def test_preset__is_not_shadowed_by_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """Finding 14: a file called `draft` in the working folder is not the preset of that name."""
    Path("draft").write_text("size: 999")
    assert exit_status(stylize, ["--config=draft", "--print_config"]) == 0
    assert "size: 256\n" in capsys.readouterr().out
    Path("mine.yaml").write_text("quality: 77")
    assert exit_status(stylize, ["--config=mine.yaml", "--print_config"]) == 0
    assert "quality: 77\n" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system has no peak that can begin anew")
def test_peak_memory__is_that_of_the_picture() -> None:
    """Finding 13: an earlier picture that was larger does not count."""
    begin_peak()
    large = bytearray(300 << 20)
    before = peak_bytes()
    del large
    begin_peak()
    assert peak_bytes() < before - (200 << 20)
