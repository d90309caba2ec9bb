"""`rnst compare` on trainings, pictures and sweeps as they lie on disk."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from rnst.cli import main
from rnst.results import Result

_EVIL = "</table><script>alert(1)</script>&\"'"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class _Page(HTMLParser):
    """Rows of the tables, curves by their plot, pictures, and scripts."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: dict[str, list[str]] = {}
        self.curves: dict[str, int] = {}
        self.pictures: list[str] = []
        self.tags: list[str] = []
        self._cells: list[str] = []
        self._plot = ""
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "tr":
            self._cells = []
        elif tag in {"td", "th"}:
            self._cells.append("")
        elif tag == "svg" and "aria-label" in found:
            self._plot = found["aria-label"] or ""
        elif tag in {"polyline", "circle"}:
            self.curves[self._plot] = self.curves.get(self._plot, 0) + 1
        elif tag == "img":
            self.pictures.append(found["alt"] or "")
            assert (found["src"] or "").startswith("data:image/")

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self.rows[self._cells[0]] = self._cells[1:]

    def handle_data(self, data: str) -> None:
        if self._cells:
            self._cells[-1] += data


def _training(name: str, *, rate: float, accuracy: float, architecture: str = "resnet18") -> Path:
    folder = Path(f"{name}.run")
    (folder / "metrics" / "version_0").mkdir(parents=True)
    config = {
        "output": f"/home/me/{name}.safetensors",
        "data": {"root": f"/data/{name}", "name": "imagenette"},
        "model": {"architecture": architecture, "recipe": {"learning_rate": rate}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with (folder / "metrics/version_0/metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "step", "train/loss", "val/accuracy_attacked", "test/accuracy_attacked"])
        writer.writerows([[0, 0, 2.0, "", ""], [0, 1, 1.0, accuracy / 2, ""], [1, 2, "", accuracy, accuracy]])
    _write(folder / "attack_epoch_001.png")
    return folder


def _write(path: Path) -> None:
    Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(path)


def _picture(name: str, weight: float, distance: float, **changes: Any) -> Path:
    path = Path(f"{name}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path)
    values: dict[str, Any] = {
        "content": "cat", "styles": ("waves",), "encoder": "resnet18", "peak_memory_bytes": 1 << 30, "seconds": 2.0,
        "settings": {"style_weight": weight, "steps": 3, "content_path": f"/home/{name}.jpg", "tracking": "off"},
        "losses": {"total": 1.0}, "scores": {"style_distance": distance, "edge_correlation": 0.8, "picked": 1.0},
        "curves": {"step": [1, 2, 3], "total": [3.0, 2.0, 1.0]}, **changes,
    }  # fmt: skip
    Result(image=path, **values).write()
    return path


def _compare(*runs: Path, title: str = "Mine") -> _Page:
    main(["compare", *map(str, runs), "--title", title])
    return _Page(Path("outputs/compare.html"))


def test_trainings(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        _training("a", rate=0.2, accuracy=0.5),
        _training("b", rate=0.1, accuracy=0.7),
        _training("c", rate=0.2, accuracy=0.6),
    ]
    page = _compare(*runs)
    assert page.rows["setting"] == page.rows["value"] == ["a", "b", "c"]
    assert page.rows["model.recipe.learning_rate"] == ["0.2", "0.1", "0.2"]
    assert not [name for name in page.rows if "root" in name or name in {"output", "data.name"}], "differing ones alone"
    (values,) = [cells for name, cells in page.rows.items() if name.startswith("test/accuracy attacked")]
    assert values == ["0.5", "0.7 best", "0.6"]
    assert page.curves["Training loss"] == page.curves["Accuracy, attacked"] == 3
    assert page.pictures == [f"{name}: after epoch 2" for name in "abc"]
    assert "outputs/compare.html: 3 runs" in capsys.readouterr().out


def test_a_weight_file__stands_for_its_run() -> None:
    _training("a", rate=0.2, accuracy=0.5)
    Path("a.safetensors").touch()
    assert _compare(Path("a.safetensors")).rows["value"] == ["a"]


def test_pictures__and_a_sidecar() -> None:
    _picture("one", 1.0, 0.5), _picture("two", 10.0, 0.3)
    page = _compare(Path("one.png"), Path("two.json"))
    assert page.rows["style_weight"] == ["1", "10"]
    assert not [name for name in page.rows if "path" in name or name in {"steps", "tracking"}]
    (values,) = [cells for name, cells in page.rows.items() if name.startswith("style distance")]
    assert values == ["0.5", "0.3 best"]
    assert page.curves == {"Total loss": 2}
    assert page.pictures == ["one: cat x waves, resnet18", "two: cat x waves, resnet18"]


def test_pictures__whose_record_has_the_whole_name() -> None:
    """`o.json` belongs to `o.png`; that of `o.jpg` is `o.jpg.json`."""
    _picture("o", 1.0, 0.5)
    _write(Path("o.jpg"))
    replace(Result.read(Path("o.json")), image=Path("o.jpg")).write()
    assert _compare(Path("o.jpg")).pictures == ["o: cat x waves, resnet18"]


def test_output__a_page_of_the_user_is_kept_and_an_own_one_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    picture = str(_picture("one", 1.0, 0.5))
    Path("mine.html").write_text("my own page", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["compare", picture, "--output", "mine.html"])
    assert stopped.value.code == 2
    assert "mine.html" in capsys.readouterr().err
    assert Path("mine.html").read_text(encoding="utf-8") == "my own page"
    for title in ("first", "second"):
        main(["compare", picture, "--title", title])
    assert "second" in Path("outputs/compare.html").read_text(encoding="utf-8")


def test_sweeps__and_everything_together() -> None:
    for sweep, weight in (("first", 1.0), ("second", 5.0)):
        _picture(f"{sweep}/pictures/cat--waves/a", weight, 0.4)
        _picture(f"{sweep}/pictures/cat--waves/b", 10.0, 0.2)
    page = _compare(Path("first"), Path("second"), _training("a", rate=0.2, accuracy=0.5), _picture("one", 1.0, 0.5))
    assert page.rows["style_weight"] == ["1 | 10", "5 | 10"]
    (values,) = [cells for name, cells in page.rows.items() if name.startswith("style distance of the picks")]
    assert values == ["0.3", "0.3"]
    assert re.findall("<h2>(.*?)</h2>", page.text) == ["Trainings", "Pictures", "Sweeps"]


def test_sweeps__the_name_of_a_network_does_not_decide_what_is_better() -> None:
    for sweep, edges in (("first", 0.9), ("second", 0.2)):
        scores = {"style_distance": edges, "edge_correlation": edges, "style_loss_reduction": edges, "picked": 1.0}
        _picture(f"{sweep}/a", 1.0, 0.4, encoder="resnet18 style_loss=w2 accuracy", scores=scores)
    rows = _compare(Path("first"), Path("second")).rows
    found = {name.partition(" of ")[0]: cells for name, cells in rows.items()}
    assert found["edge correlation"] == ["0.9 best", "0.2"]
    assert found["style distance"] == ["0.9", "0.2 best"]


def test_losses_that_were_not_finite__are_left_out_of_the_curve() -> None:
    curves = {"step": [1, 2, 3], "total": [3.0, None, 1.0], "style": [1.0]}
    assert _compare(_picture("one", 1.0, 0.5, curves=curves)).curves == {"Total loss": 1, "Style loss": 1}


def test_text_from_outside_is_escaped__and_nothing_is_loaded() -> None:
    paths = [
        _picture(
            f"p{number}", 1.0, 0.5, content=_EVIL, encoder=f"{_EVIL}{number}", settings={_EVIL: f"{_EVIL}{number}"}
        )
        for number in range(2)
    ]
    page = _compare(*paths, title=_EVIL)
    assert "script" not in page.tags
    assert page.tags.count("h1") == 1
    assert page.rows[_EVIL] == [f"{_EVIL}0", f"{_EVIL}1"]
    assert not re.search(r"https?:|@import|url\(|\ssrc=\"(?!data:)", page.text)
    assert "default-src 'none'" in page.text
    assert "unsafe" not in page.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.run"], "run not found: missing.run"),
        (["."], "run to compare not found"),
        (["one.png", "--output", "one.png"], "must be a file name that ends in .html"),
        (["bad.run"], "cannot read bad.run/config.yaml as YAML"),
        (["text.png"], "text.json"),
    ],
)
def test_mistakes__are_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = None if arguments == ["."] else _picture("one", 1.0, 0.5).read_bytes()
    Path("text.png").touch()
    Path("bad.run").mkdir()
    Path("bad.run/config.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["compare", *arguments])
    assert stopped.value.code == 2
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert said in written
    assert not Path("outputs").exists()
    assert before is None or Path("one.png").read_bytes() == before
