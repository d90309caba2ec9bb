"""The contact sheet: every combination, the same pictures as alone, nothing made twice, and what is on the page."""

import html
import io
import re
import shlex
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.cli import stylize
from rnst.commands.grid import as_draft, read_axes
from rnst.errors import RnstError
from rnst.image.files import read_image, write_image
from rnst.image.labeled_sheet import labeled_sheet
from rnst.results import Result
from rnst.stylization.targets import StyleTargets

_TINY = ["--size=32", "--steps=2", "--scales=1", "--shifts=2", "--precision=fp32"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["stylize.py"])
    for name, size in (("cat", (30, 40)), ("waves", (44, 36)), ("dots", (40, 40))):
        write_image(torch.rand(1, 3, *size), tmp_path / f"{name}.png")


def _commands(page: Path) -> list[list[str]]:
    found = re.findall(r'data-command="([^"]*)"', page.read_text(encoding="utf-8"))
    return [shlex.split(html.unescape(command)) for command in found]


def _refusal(*arguments: str) -> str:
    with redirect_stderr(io.StringIO()) as errors, pytest.raises(SystemExit) as stop:
        stylize(list(arguments))
    assert stop.value.code == 2
    return errors.getvalue()


def _counted_measurements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows with every measurement of a style."""
    measured = list[int]()
    once = StyleTargets._moments

    def counted(self: StyleTargets, *given: Any) -> Any:
        measured.append(1)
        return once(self, *given)

    monkeypatch.setattr(StyleTargets, "_moments", counted)
    return measured


def test_every_combination_is_the_picture_that_it_is_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = _counted_measurements(monkeypatch)
    grid = ["--grid", "style_weight=1,10", "style_scale=0.5,1"]
    stylize(["cat.png", str(tmp_path / "waves.png"), *_TINY, "--output=out/a.jpg", *grid])
    assert len(measured) == 2, "the style once for each of its scales"
    names = [f"style_weight={weight}--style_scale={scale}" for weight in (1, 10) for scale in (0.5, 1)]
    cells = {name: Path(f"out/a-grid/{name}.png") for name in names}
    assert {path.name for path in Path("out/a-grid").glob("*.png")} == {path.name for path in cells.values()}
    assert sorted(path.name for path in Path("out").iterdir()) == ["a-grid", "a-grid.html", "a-grid.png"]
    options = ["--config=draft", *_TINY, "--style_weight=10", "--style_scale=0.5", "--output=alone.png"]
    stylize(["cat.png", "waves.png", *options])
    assert torch.equal(read_image("alone.png"), read_image(cells[names[2]]))

    commands = _commands(Path("out/a-grid.html"))
    start = ["python", "stylize.py", "cat.png", "waves.png", "--size", "32"]
    assert [command[:6] for command in commands] == [start] * 4
    end = ["--style_weight", "10", "--style_scale", "0.5", "--output", f"out/a--{names[2]}.jpg"]
    assert commands[2][-6:] == end
    assert "draft" not in " ".join(commands[2])
    stylize(commands[2][2:])
    settings = Result.read(Path(f"out/a--{names[2]}.json")).settings
    assert (settings["style_weight"], settings["style_scale"], settings["supersample"]) == (10.0, 0.5, 3.0)

    times = {name: path.stat().st_mtime_ns for name, path in cells.items()}
    cells[names[1]].unlink()
    with redirect_stderr(io.StringIO()) as shown:
        stylize(["cat.png", "waves.png", *_TINY, "--output=out/a.jpg", *grid, "--resume"])
    assert "4 pictures, 3 of them there already" in shown.getvalue()
    kept = {name: path.stat().st_mtime_ns for name, path in cells.items()}
    assert {name for name in names if times[name] != kept[name]} == {names[1]}


def test_a_mix_of_two_styles_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = _counted_measurements(monkeypatch)
    pictures = ["cat.png", "waves.png", "dots.png"]
    stylize([*pictures, *_TINY, "--output=mix.png", "--grid", "style_mix=0,0.25,1"])
    assert len(measured) == 2, "each style once for all mixes"
    stylize([*pictures, "--config=draft", *_TINY, "--style_weights", "0.75", "0.25", "--output=alone.png"])
    assert torch.equal(read_image("alone.png"), read_image("mix-grid/style_mix=0.25.png"))
    command = _commands(Path("mix-grid.html"))[1]
    assert command[command.index("--style_weights") + 1 :][:2] == ["0.75", "0.25"]


def test_a_combination_that_cannot_be_is_an_empty_cell() -> None:
    arguments = ["cat.png", "waves.png", *_TINY, "--output=a.png", "--grid", "style_weight=0,1", "content_weight=0,1"]
    assert "1 picture failed, the first: style_weight=0 content_weight=0" in _refusal(*arguments)
    page = Path("a-grid.html").read_text(encoding="utf-8")
    assert page.count("data-command") == 3
    assert page.count('class="missing"') == 1
    assert Path("a-grid.png").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["style_weight"], "--grid takes NAME=VALUE,VALUE and not 'style_weight'"),
        (["style_weight=1,,2"], "--grid takes NAME=VALUE,VALUE"),
        (["style_wieght=1,2"], "unknown setting of a contact sheet 'style_wieght'; did you mean style_weight?"),
        (["size=64,128"], "unknown setting of a contact sheet 'size'"),
        (["style_weight=1,1.0"], "must be different values"),
        (["style_weight=-1,2"], "--style_weight is -1, but must be a number"),
        (["colors=free,fre"], "--colors is 'fre', but must be one of"),
        (["seed=1", "steps=2", "shifts=3"], "one or two different settings: rows, then columns"),
        (["seed=1,2", "seed=3,4"], "one or two different settings"),
        (["seed=" + ",".join(map(str, range(101)))], "at most 100 pictures"),
        (["style_mix=0,1"], "with two styles"),
    ],
)
def test_mistakes_are_refused_in_one_line(words: list[str], said: str) -> None:
    refusal = _refusal("cat.png", "waves.png", "--output=a.png", "--grid", *words)
    assert said in refusal
    assert refusal.count("\n") == 1
    assert not list(Path().glob("a*"))


def test_a_video_makes_no_sheet() -> None:
    Path("clip.mp4").touch()
    assert "of one photo, not of a folder or a video" in _refusal("clip.mp4", "waves.png", "--grid", "seed=1,2")


@pytest.mark.parametrize("other", ["--compare", "--view", "--print=3x4cm"])
def test_other_options_that_do_not_go_with_it(other: str) -> None:
    assert "omit --" in _refusal("cat.png", "waves.png", other, "--grid", "seed=1,2")


def test_the_preset_comes_after_other_configurations_and_before_options() -> None:
    arguments = ["a.png", "--config", "own.yaml", "--config=more.yaml", "b.png", "--size=300"]
    assert as_draft(arguments) == [*arguments[:4], "--config=draft", *arguments[4:]]
    assert as_draft(["a.png", "--size=300"]) == ["--config=draft", "a.png", "--size=300"]


def test_a_file_of_the_user_is_not_replaced() -> None:
    write_image(torch.rand(1, 3, 8, 8), Path("a-grid.png"))
    assert "was not written by rnst" in _refusal("cat.png", "waves.png", "--output=a.png", "--grid", "seed=1,2")


def test_values_have_the_types_of_their_settings() -> None:
    axes = read_axes(["style_layers=layer1,layer1+layer2", "line-search=true,false"], 1)
    assert axes[0].values == (["layer1"], ["layer1", "layer2"])
    assert axes[1].values == (True, False)
    assert read_axes(["style_loss=gram,none"], 1)[0].values == ("gram", None)
    assert read_axes(["style_mix=0,0.5,1"], 2)[0].values == (0.0, 0.5, 1.0)
    with pytest.raises(RnstError, match="from 0 to 1"):
        read_axes(["style_mix=0,2"], 2)


@pytest.mark.parametrize("size", [(40, 64), (2, 300), (300, 2), (1, 1)])
def test_sheet__holds_each_picture_unchanged(tmp_path: Path, size: tuple[int, int]) -> None:
    """Thin pictures, long labels and absent pictures: no label lies on a picture, and no picture is scaled."""
    image = torch.zeros(1, 3, *size)
    image[:, 0] = 1.0
    write_image(image, tmp_path / "red.png")
    rows, columns = ["style_weight=1" * 20, "", "ä" * 500], ["short", "style_layers=layer1+layer2+layer3" * 9]
    pictures = [tmp_path / "red.png", None, *[tmp_path / "red.png"] * 4]
    sheet = labeled_sheet(pictures, rows, columns, "a title" * 100)
    red = (sheet[0, 0] == 1.0) & (sheet[0, 1] == 0.0) & (sheet[0, 2] == 0.0)
    assert int(red.sum()) == 5 * size[0] * size[1]
    assert float(sheet.min()) < 0.2
    plain = labeled_sheet(pictures[:2], [""], columns, "")
    assert plain.shape[-1] < sheet.shape[-1]


def test_sheet__without_any_picture() -> None:
    assert labeled_sheet([None], [""], ["seed=1"], "none").shape[1] == 3
