"""Kinds A1, A2, B9 and C9: an output never replaces an input or a file of the user, and is refused before the work."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rnst.cli import main, stylize
from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import write_weights
from rnst.image.files import read_image
from rnst.results import Result
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.plan import SweepSettings, plan
from tests.cases.program import arguments, exit_status, pictures

pytestmark = pytest.mark.usefixtures("photo_and_painting")


def _files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}


def _refused(capsys: pytest.CaptureFixture[str], words: list[str], program: Callable[..., None] = stylize) -> str:
    """The one line of a command that is refused and changes no file."""
    before = _files()
    assert exit_status(program, words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert "Errno" not in said
    assert "pixels, " not in said, "refused before the work"
    assert _files() == before
    return said


@pytest.mark.parametrize(
    "options",
    [
        {"output": "cat.png"},
        {"output": "./waves.png"},
        {"output": "link.png"},
        {"output": "same.png"},
        {"output": "mask.png", "content_mask": "mask.png"},
        {"output": "mask.png", "init": "mask.png"},
        {"output": "mask.png", "color_basis": "mask.png"},
        {"output": "basis/a.png", "color_basis": "basis"},
        {"content": "out_00002.png", "save_every": 1},
    ],
    ids=str,
)
def test_an_output_that_is_an_input(options: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    """A1: through any path or link, whatever the input is for; an intermediate picture counts as well."""
    pictures(Path(), "mask.png", "basis/a.png", "out_00002.png")
    Path("link.png").symlink_to("cat.png")
    os.link("waves.png", "same.png")
    assert "--output is" in _refused(capsys, arguments(**options))


def test_folder__an_output_that_is_the_style(capsys: pytest.CaptureFixture[str]) -> None:
    """A1: the picture of a photo of the folder would have the name of the painting."""
    pictures(Path(), "photos/a.png", "done/a.png")
    _refused(capsys, arguments(content="photos", style="done/a.png", output="done"))


@pytest.mark.parametrize("compare", [[], ["--compare=resnet34"]], ids=["alone", "compared"])
def test_a_picture_of_the_user(compare: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A1: an existing picture that was not written by rnst."""
    pictures(Path(), "out.png")
    assert "was not written by rnst" in _refused(capsys, arguments(*compare))


@pytest.mark.parametrize("name", ["out_resnet34.png", "out.html"])
def test_compare__a_file_of_the_user(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A1: the second picture and the page are checked before the first picture."""
    pictures(Path(), "out_resnet34.png")
    Path("out.html").write_text("my own page")
    if name == "out.html":
        Path("out_resnet34.png").unlink()
    assert name in _refused(capsys, arguments("--compare=resnet34"))


def test_files_of_the_user_beside_the_output_are_kept() -> None:
    """A1, C9: a JSON file, weights and an intermediate picture that have the names of ours."""
    Path("out.json").write_text('{"mine": 1}')
    write_weights(Path("out.state.safetensors"), build_classifier("resnet18", 5).state_dict(), {})
    pictures(Path(), "out_00001.png")
    mine = {name: Path(name).read_bytes() for name in ("out.json", "out.state.safetensors", "out_00001.png")}
    assert exit_status(stylize, arguments(save_every=1, weights="out.state.safetensors")) == 0
    assert {name: Path(name).read_bytes() for name in mine} == mine
    assert Result.read(Path("out.png.json")).image == Path("out.png")
    assert read_image(Path("out_00002.png")).shape == read_image(Path("out.png")).shape


def test_records_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    """C9: o.png and o.jpg are both in the gallery, and a second run replaces what is ours."""
    for name in ("out.png", "out.jpg", "out.png"):
        assert exit_status(stylize, arguments(output=name)) == 0
    assert {Result.read(Path(name)).image.name for name in ("out.json", "out.jpg.json")} == {"out.png", "out.jpg"}
    assert exit_status(main, ["gallery", ".", "--output", "page.html"]) == 0
    assert "page.html: 2 pictures" in capsys.readouterr().out
    assert exit_status(main, ["gallery", ".", "--output", "page.html"]) == 0, "a page of ours is replaced"
    for name in ("cat.png", "out.json", "own.html"):
        Path("own.html").write_text("<html>mine</html>")
        _refused(capsys, ["gallery", ".", "--output", name], main)


@pytest.mark.parametrize(
    "output",
    ["folder.png", "cat.png/out.png", "cat.png/new/out.png", f"{'x' * 252}.png", f"{'x' * 300}/out.png"],
    ids=["folder", "parent is a file", "grandparent is a file", "long name", "long folder"],
)
def test_an_output_that_cannot_be_written(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A2: told before the work, without the name of a temporary file."""
    Path("folder.png").mkdir()
    assert "--output is" in _refused(capsys, arguments(output=output))


def test_longest_names_are_written() -> None:
    """A2: a record has 255 bytes; the state and intermediate pictures, whose names would be longer, are left out."""
    name = f"{'x' * 250}.png"
    assert exit_status(stylize, arguments(output=name, save_every=1)) == 0
    assert read_image(Path(name)).shape[1] == 3


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_no_right(capsys: pytest.CaptureFixture[str]) -> None:
    """A2: a folder without the right to write, and a file that is write-protected."""
    Path("closed").mkdir(mode=0o555)
    for output in ("closed/out.png", "closed/new/out.png"):
        assert "Permission denied" in _refused(capsys, arguments(output=output))


def test_curve_and_convert__files_of_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    """A1: a plot, weights."""
    table = Path("runs/a/metrics/version_0/metrics.csv")
    table.parent.mkdir(parents=True)
    table.write_text("epoch,step,val/accuracy_clean,val/accuracy_attacked\n0,1,0.5,0.2\n")
    curve = ["curve", "runs/a", "--output"]
    assert [exit_status(main, [*curve, "new.png"]) for _ in range(2)] == [0, 0], "a plot of ours is replaced"
    _refused(capsys, [*curve, "cat.png"], main)
    write_weights(Path("net.safetensors"), build_classifier("resnet18", 5).state_dict(), {"architecture": "resnet18"})
    for name in ("new.safetensors", "new.pt"):
        assert [exit_status(main, ["convert", "net.safetensors", name]) for _ in range(2)] == [0, 0]
    capsys.readouterr()
    for name in ("net.safetensors", "cat.png"):
        _refused(capsys, ["convert", "net.safetensors", name], main)


_SWEEP = {"contents": ["cat.png"], "styles": ["waves.png"], "encoders": ["resnet18"], "tracking": "off"}


@pytest.mark.parametrize(
    "changes",
    [
        {"grid": {"style_weight": [1, 1.0]}},
        {"grid": {"style_weight": [1.0000001, 1.0000002]}},
        {"encoders": ["resnet18", "resnet18"]},
    ],
    ids=str,
)
def test_sweep__two_pictures_of_one_name(changes: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    """B9: refused by name."""
    Path("sweep.yaml").write_text(yaml.safe_dump({**_SWEEP, **changes}))
    assert "listed twice" in _refused(capsys, ["sweep", "--config", "sweep.yaml"], main)


def test_sweep__files_of_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    """A1: the table and the pages of a sweep, and the file for agents."""
    Path("sweep.yaml").write_text(yaml.safe_dump({**_SWEEP, "output": "."}))
    assert "sweep.yaml" in _refused(capsys, ["sweep", "--config", "sweep.yaml", "--agent", "sweep.yaml"], main)
    for name in ("index.html", "results.csv", "pareto.png", "report.md", "report.html", "sheet.png"):
        Path(name).write_text("mine")
        assert name in _refused(capsys, ["sweep", "--config", "sweep.yaml"], main)
        Path(name).unlink()


def test_folder__two_pictures_of_one_name(capsys: pytest.CaptureFixture[str]) -> None:
    """B9: a.png, a.jpg and a_png.png."""
    pictures(Path(), "photos/a.png", "photos/a.jpg", "photos/a_png.png")
    assert "two have this one" in _refused(capsys, arguments(content="photos", output="done"))


def test_sweep__names_that_differ_are_no_error() -> None:
    """B9: the check is of names."""
    sweep = SweepSettings(**{**_SWEEP, "grid": {"style_weight": [1, 2]}})  # type: ignore[arg-type] # a mapping of lists
    assert len(plan(sweep, lambda values: StylizationSettings(**values))) == 2


def test_jpeg__settings_that_do_not_fit_are_left_out() -> None:
    """B0: the picture is written, and the sidecar has them."""
    assert exit_status(stylize, arguments(output="out.jpg", group="g" * 70_000)) == 0
    assert read_image(Path("out.jpg")).shape[1] == 3
    assert len(json.loads(Path("out.json").read_text())["settings"]["group"]) == 70_000
