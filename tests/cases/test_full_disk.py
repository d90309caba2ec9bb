"""Kinds A2 and A3: a disk that is full at the end, or for what is secondary, costs no picture and no training."""

import resource
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from torch import Tensor

from rnst.cli import main, stylize
from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import write_weights
from rnst.errors import RnstError
from rnst.files import written_aside
from rnst.image.files import read_image
from rnst.results import Result
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize as stylize_picture
from rnst.training.run_state import CompleteCheckpoints
from tests.cases.program import FAST, arguments, exit_status

pytestmark = pytest.mark.usefixtures("photo_and_painting")


@contextmanager
def _longest_file(size: int) -> Iterator[None]:
    """Files longer than `size` bytes cannot be written, as on a disk with no more room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("steps", [1, 3])
def test_state__a_picture_without_it(steps: int, caplog: pytest.LogCaptureFixture) -> None:
    """A3: a state takes a hundred times the room of its picture."""
    with _longest_file(40_000):
        assert exit_status(stylize, arguments(save_every=1, steps=steps)) == 0
    assert Result.read(Path("out.json")).finished
    assert caplog.text.count("the state of out cannot be written: ") == 1
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ["out_00001.png", "out.state.safetensors"])
def test_secondary_files__a_folder_of_that_name(name: str) -> None:
    """A2: an intermediate picture or a state that cannot be written does not end the run."""
    Path(name).mkdir()
    assert exit_status(stylize, arguments(save_every=1)) == 0
    assert Result.read(Path("out.json")).finished


def _stylize_without_room(output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RnstError:
    """The error of a picture whose folder is lost in its last step."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "second"))
    (tmp_path / "second").mkdir()

    def lose_folder(step: int, _image: Tensor, _losses: Mapping[str, float]) -> None:
        if step == 2:
            output.parent.rmdir()
            output.parent.write_text("a file")

    lists = {name: [FAST[name]] for name in ("style_layers", "content_layers")}
    options: dict[str, Any] = {**FAST, **lists, "content": "cat.png", "style": "waves.png", "output": output}
    with pytest.raises(RnstError) as caught:
        stylize_picture(StylizationSettings(**options), console=Console(quiet=True), on_step=lose_folder)
    return caught.value


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_picture__goes_to_a_second_place(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A2: the error names the place, and the picture is whole there, with its record."""
    error = _stylize_without_room(tmp_path / "new" / f"out.{ending}", tmp_path, monkeypatch)
    place = tmp_path / "second" / f"out.{ending}"
    assert str(error).endswith(f"The finished picture is in {place}")
    assert read_image(place).shape == (1, 3, 24, 32)
    assert Result.read(place.with_suffix(".json")).finished


def test_record__a_picture_without_it(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A2: the picture is finished although its sidecar cannot be written."""

    def fail(_: Result) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Result, "write", fail)
    assert exit_status(stylize, arguments()) == 0
    assert read_image(Path("out.png")).shape == (1, 3, 24, 32)
    assert "the record of out.png cannot be written: No space left on device" in caplog.text


@pytest.mark.parametrize("name", ["new.safetensors", "new.pt"])
def test_weights__one_line_and_nothing_half(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A3: the errors of safetensors and of torch are no OSError."""
    write_weights(Path("net.safetensors"), build_classifier("resnet18", 5).state_dict(), {"architecture": "resnet18"})
    with _longest_file(1 << 20):
        assert exit_status(main, ["convert", "net.safetensors", name]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {name} cannot be written: ")
    assert said.count("\n") == 1
    assert not Path(name).exists()


def test_checkpoint__the_one_before_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A3: a training goes on, and does not delete the checkpoint that it could not replace."""
    checkpoints, old, new = CompleteCheckpoints(), tmp_path / "old.ckpt", tmp_path / "new.ckpt"
    network = build_classifier("resnet18", 5).state_dict()
    checkpoints.save_checkpoint(network, old)
    with _longest_file(1 << 20):
        checkpoints.save_checkpoint(network, new)
    checkpoints.remove_checkpoint(old)
    assert old.exists()
    assert not new.exists()
    assert "a checkpoint cannot be written" in caplog.text
    checkpoints.save_checkpoint(network, new)
    checkpoints.remove_checkpoint(old)
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["new.ckpt"]


def test_what_killed_processes_leave_is_removed(tmp_path: Path) -> None:
    """Temporary files name their process; those of processes that are gone are removed, all others stay."""
    folder = tmp_path / "new"
    with written_aside(folder / "a.png") as aside:
        aside.write_text("a")
        ours = aside.name
    other = tmp_path / "other"
    other.mkdir()
    process = ours.split("-")[2]
    dead, alive, foreign = ours.replace(process, "999999999"), ours.replace(process, "1"), ".a-hidden-file.png"
    for name in (dead, alive, foreign):
        (other / name).write_text("left")
    with written_aside(other / "b.png") as aside:
        aside.write_text("b")
    assert {path.name for path in other.iterdir()} == {alive, foreign, "b.png"}
