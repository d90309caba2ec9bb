"""What is said of made-up results of two commits. No commit is run here."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from tools import compare_commits
from tools.compare_results import EQUAL, compare
from tools.compare_scenes import SCENES, Command, Wording, write_inputs

Break = Callable[[Path], None]


def _results(folder: Path) -> Path:
    """What a scene leaves: a picture, its sidecar, weights, the end of the program."""
    folder.mkdir()
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    Image.fromarray(pixels).save(folder / "out.png")
    _write_sidecar(folder, total=0.1 + 0.2)
    _write_weights(folder, 0.0, 0.5)
    (folder / "status").write_text("0\n")
    (folder / "stderr").write_text("painting\n")
    return folder


def _write_sidecar(folder: Path, **losses: float) -> None:
    content = {"losses": {"style": 1.5, **losses}, "scores": {}, "seconds": np.random.default_rng().random()}
    (folder / "out.json").write_text(json.dumps(content))


def _write_weights(folder: Path, change: float, accuracy: float) -> None:
    tensors = {"fc.bias": np.zeros(2, np.float32), "fc.weight": np.full((2, 3), 1 + change, np.float32)}
    facts = {"accuracy_clean": accuracy, "command": str(folder)}
    save_file(tensors, folder / "net.safetensors", metadata={"rnst": json.dumps(facts)})


def _change_a_pixel(folder: Path) -> None:
    pixels = np.array(Image.open(folder / "out.png"))
    pixels[1, 2, 0] += 3
    Image.fromarray(pixels).save(folder / "out.png")


def _fail(folder: Path) -> None:
    (folder / "status").write_text("2\n")
    (folder / "stderr").write_text("painting\nerror: unknown option\n\n")


def test_what_is_the_same_is_equal(tmp_path: Path) -> None:
    assert compare(_results(tmp_path / "a"), _results(tmp_path / "b"), {}) == EQUAL


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_change_a_pixel, "out.png: 5.00% of the pixels, by up to 3 levels"),
        (
            lambda folder: _write_sidecar(folder, total=0.3),
            "out.json: losses: total is 0.30000000000000004 against 0.3",
        ),
        (_write_sidecar, "out.json: losses: total is there at A only"),
        (
            lambda folder: _write_weights(folder, 2**-23, 0.5),
            "net.safetensors: 1 of 2 tensors, the first is fc.weight, by up to 1.19e-07",
        ),
        (lambda folder: _write_weights(folder, 0.0, 0.25), "net.safetensors: accuracy_clean is 0.5 against 0.25"),
        (lambda folder: (folder / "out.png").unlink(), "out.png is written at A only"),
        (_fail, "failed at B: error: unknown option (status 2)"),
        (lambda folder: (folder / "status").unlink(), "failed at B: it did not end"),
        (lambda folder: (folder / "status").write_text("-9"), "failed at B: painting (status -9)"),
    ],
)
def test_each_difference_is_told(tmp_path: Path, change: Break, said: str) -> None:
    first, second = _results(tmp_path / "a"), _results(tmp_path / "b")
    change(second)
    assert compare(first, second, {}) == said


def test_many_differences_are_cut_short(tmp_path: Path) -> None:
    first, second = _results(tmp_path / "a"), _results(tmp_path / "b")
    for number in range(5):
        (first / f"{number}.png").touch()
    assert compare(first, second, {}).endswith("; 2.png is written at A only; and 2 more")


def test_two_that_failed_are_not_equal(tmp_path: Path) -> None:
    first, second = _results(tmp_path / "a"), _results(tmp_path / "b")
    _fail(first)
    _fail(second)
    end = "error: unknown option (status 2)"
    assert compare(first, second, {}) == f"failed at A: {end}; failed at B: {end}"


def test_renamed_losses_are_compared(tmp_path: Path) -> None:
    first, second = _results(tmp_path / "a"), _results(tmp_path / "b")
    (second / "out.json").write_text((first / "out.json").read_text().replace("total", "sum"))
    assert compare(first, second, {"loss:total": "sum"}) == EQUAL
    assert "total is there at A only" in compare(first, second, {})


def test_renamed_options_and_values() -> None:
    command = Command("stylize", "--style_loss w2 --history 2 --init w2 --style_layers stem layer1 --tv_weight -1")
    renames = {"style_loss": "style", "style_loss:w2": "wasserstein", "history": "", "style_layers:stem": "first"}
    words = "--style wasserstein --init w2 --style_layers first layer1 --tv_weight -1"
    assert Wording(renames).arguments(command) == words.split()


def test_added_options_come_first_and_are_of_pictures() -> None:
    wording = Wording(added={"size": "32"})
    assert wording.arguments(Command("stylize", "--config draft --size 64")) == [
        "--size",
        "32",
        "--config",
        "draft",
        "--size",
        "64",
    ]
    assert wording.arguments(Command("train_robust", "--tracking off")) == ["--tracking", "off"]


def test_the_table_and_the_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def results(revision: str, names: list[str], *_: object) -> dict[str, Path]:
        (tmp_path / revision).mkdir()
        return {name: _results(tmp_path / revision / name) for name in names}

    monkeypatch.setattr(compare_commits, "_results", results)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert compare_commits.main(["one", "two", "--only", "gram"]) == 0
    assert capsys.readouterr().out == "gram  equal\n1 of 1 scenes equal\n"

    monkeypatch.setattr(compare_commits, "compare", lambda *_: "out.png: shape")
    assert compare_commits.main(["three", "four", "--only", "w2"]) == 1
    assert capsys.readouterr().out == "w2  out.png: shape\n0 of 1 scenes equal\n"


def test_scenes_have_folders_of_their_own_and_the_same_inputs_every_time(tmp_path: Path) -> None:
    assert len({compare_commits._folder(name) for name in SCENES}) == len(SCENES)
    for name in ("a", "b"):
        write_inputs(tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.png"))
    assert len(files) == 26
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
