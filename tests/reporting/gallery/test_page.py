"""The page as a file: what it holds, what it escapes, what it refers to."""

import base64
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from rnst.errors import MissingPathError, RnstError, UnreadableFileError
from rnst.reporting.gallery.page import DEFAULT_TITLE, read_results, write_gallery
from rnst.results import Result

MakeResult = Callable[..., Result]
WritePicture = Callable[..., Path]

_VOID = {"meta", "input", "img", "br", "link", "hr", "col"}
_EVIL = "</script><script>alert(1)</script>&\"'{{title}}"


class _Page(HTMLParser):
    """Elements, their texts, and whether every one of them is closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            key = self.elements[-1][1].get("id") or self._open[-1]
            self.texts[key] = self.texts.get(key, "") + data

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.texts["data"])
        return found


def test_page_is_one_well_formed_file_that_asks_no_network(results: list[Result], tmp_path: Path) -> None:
    path = write_gallery(results, tmp_path / "page.html")
    page, text = _Page(path), path.read_text(encoding="utf-8")
    assert not re.search(r"https?:|(?<![\w:])//\w|@import|url\(", text)
    assert not [(tag, found) for tag, found in page.elements if {"src", "srcset"} & found.keys()]
    policy = next(
        found["content"] for _, found in page.elements if found.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy
    assert page.texts["title"] == DEFAULT_TITLE
    identities = [found["id"] for _, found in page.elements if "id" in found]
    assert len(identities) == len(set(identities))
    assert not list(tmp_path.glob(".page*"))


def test_every_result_is_in_the_page_with_its_numbers(results: list[Result], tmp_path: Path) -> None:
    data = _Page(write_gallery(results, tmp_path / "page.html")).data
    assert len(data["results"]) == len(results) == 24
    assert [entry["name"] for entry in data["contents"]] == ["ben", "dancing"]
    assert data["contents"][0]["pictures"] == ["inputs/ben.png"]
    assert data["styles"][1]["pictures"] == ["inputs/starry.png"]
    assert data["varied"] == ["style_weight"]
    assert [(entry["name"], entry["higher"]) for entry in data["measures"]] == [
        ("style_distance", False), ("edge_correlation", True),
    ]  # fmt: skip
    assert all(entry["meaning"] and entry["label"] for entry in data["measures"])
    first = data["results"][0]
    assert first["scores"] == {"style_distance": 0.5, "edge_correlation": 0.9}
    assert first["settings"]["steps"] == 300
    assert first["losses"] == {"total": 0.5}
    assert not first["picked"]
    assert data["start"] == {
        "content": "ben", "style": "scream", "left": "resnet50_standard", "right": "resnet50_robust",
    }  # fmt: skip


def test_pictures_are_relative_and_quoted(make_result: MakeResult, tmp_path: Path) -> None:
    result = make_result("runs/100% #1?.png")
    entry = _Page(write_gallery([result], tmp_path / "pages" / "page.html")).data["results"][0]
    assert entry["picture"] == "../runs/100%25%20%231%3F.png"
    assert (tmp_path / "pages" / unquote(entry["picture"])).is_file()


def test_an_embedded_page__does_not_name_the_folders_that_its_pictures_came_from(
    results: list[Result], tmp_path: Path
) -> None:
    path = write_gallery(results, tmp_path / "elsewhere" / "page.html", embed=True)
    entries = _Page(path).data["results"]
    assert len({entry["picture"] for entry in entries}) == len(entries)
    assert "../" not in json.dumps(entries)


def test_embedded_pictures_are_carried_once_with_their_bytes(results: list[Result], tmp_path: Path) -> None:
    page = _Page(write_gallery(results, tmp_path / "page.html", embed=True))
    entry = page.data["results"][3]
    assert entry["picture"] == entry["thumbnail"]
    start, content = page.texts[entry["picture"][1:]].split(",")
    assert start == "data:image/png;base64"
    assert base64.b64decode(content) == results[3].image.read_bytes()
    carried = [found["id"] for tag, found in page.elements if found.get("type") == "text/plain"]
    assert len(carried) == len(results) + 4


@pytest.mark.parametrize("embed", [False, True])
def test_thumbnails_are_used_where_given(
    make_result: MakeResult, write_picture: WritePicture, tmp_path: Path, *, embed: bool
) -> None:
    result = make_result("big.png")
    small = write_picture(tmp_path / "thumbs" / "small.png", 7, (4, 4))
    page = _Page(write_gallery([result], tmp_path / "p.html", embed=embed, thumbnails={result.image: small}))
    entry = page.data["results"][0]
    assert entry["thumbnail"] != entry["picture"]
    assert embed or entry["thumbnail"] == "thumbs/small.png"


def test_text_is_escaped(make_result: MakeResult, tmp_path: Path) -> None:
    name = "<script>alert(1)<script>.png"
    settings = {_EVIL: _EVIL, "path": Path(_EVIL)}
    result = make_result(name, _EVIL, _EVIL, _EVIL, settings=settings, scores={_EVIL: 1.0}, losses={_EVIL: 1.0})
    path = write_gallery([result], tmp_path / "page.html", title=_EVIL)
    page, text = _Page(path), path.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert sum(tag == "script" for tag, _ in page.elements) == 2
    assert page.texts["title"] == _EVIL
    entry = page.data["results"][0]
    assert entry["content"] == entry["style"] == entry["encoder"] == entry["settings"][_EVIL] == _EVIL
    assert entry["file"] == name


def test_values_that_json_does_not_know(make_result: MakeResult, tmp_path: Path) -> None:
    settings = {"a": math.nan, "b": [math.inf, Path("x")], "c": {1: None}, "d": True, "e": "\udcff\u2028"}
    data = _Page(write_gallery([make_result("a.png", settings=settings, seconds=math.nan)], tmp_path / "p.html")).data
    assert data["results"][0]["seconds"] is None
    assert data["results"][0]["settings"] == {
        "a": None, "b": [None, "x"], "c": {"1": None}, "d": True, "e": "?\u2028",
    }  # fmt: skip


def _shown(results: list[Result], folder: Path) -> list[str]:
    data = _Page(write_gallery(results, folder / "page.html")).data
    return [entry["file"] for entry in data["results"] if entry["shown"]]


def test_the_shown_result_is_the_picked_else_the_best_else_the_last(make_result: MakeResult, tmp_path: Path) -> None:
    picked, zero = {"style_distance": 3.0, "picked": 1.0}, {"style_distance": 2.0, "picked": 0.0}
    cells = [("a", {}), ("b", {"style_distance": 1.0}), ("c", picked), ("d", zero), ("e", {"style_distance": math.nan})]
    results = [make_result(f"{name}.png", scores=scores) for name, scores in cells]
    assert _shown(results, tmp_path) == ["c.png"]
    assert _shown([results[0], results[1], results[3], results[4]], tmp_path) == ["b.png"]
    assert _shown([results[0], results[4]], tmp_path) == ["e.png"]
    other = make_result("f.png", style="starry")
    assert _shown([*results, other], tmp_path) == ["c.png", "f.png"]


def test_a_grid_with_holes_starts_where_both_are(make_result: MakeResult, tmp_path: Path) -> None:
    results = [
        make_result("a.png", "ben", "scream", "vgg19"),
        make_result("b.png", "ben", "starry", "resnet50_robust"),
        make_result("c.png", "ben", "starry", "vgg19"),
    ]
    start = _Page(write_gallery(results, tmp_path / "p.html")).data["start"]
    assert (start["style"], start["left"], start["right"]) == ("starry", "vgg19", "resnet50_robust")


def test_inputs_that_are_no_pictures_are_not_carried(make_result: MakeResult, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_text("password")
    for path in ("secret.png", "absent.png", "", ".", "zero\0byte", 5, None):
        result = make_result("a.png", settings={"content_path": path, "style_paths": [path, path]})
        page = _Page(write_gallery([result], tmp_path / "p.html", embed=True))
        assert page.data["contents"] == [{"name": "ben", "pictures": []}]
        assert page.data["styles"] == [{"name": "scream", "pictures": []}]


def test_several_styles_have_one_name_and_several_pictures(results: list[Result], tmp_path: Path) -> None:
    settings = {"style_paths": ["inputs/scream.png", "inputs/absent.png", "inputs/starry.png"]}
    result = replace(results[0], styles=("scream", "starry"), settings=settings)
    data = _Page(write_gallery([result], tmp_path / "p.html")).data
    assert data["styles"] == [{"name": "scream + starry", "pictures": ["inputs/scream.png", "inputs/starry.png"]}]


def test_reading_finds_results_in_folders_and_nothing_else(make_result: MakeResult, tmp_path: Path) -> None:
    made = [make_result(name) for name in ("one.png", "deep/er/two.PNG", "deep/three.v2.png")]
    (tmp_path / "metrics.json").write_text("[]")
    (tmp_path / ".one-aside.json").write_text("{")
    make_result("gone.png").image.unlink()
    assert sorted(read_results(tmp_path), key=str) == sorted(made, key=str)


def test_reading_complains_in_words(make_result: MakeResult, tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match="folder of results not found"):
        read_results(tmp_path / "absent")
    with pytest.raises(MissingPathError, match="result not found"):
        read_results(tmp_path)
    make_result("a.png").sidecar.write_text("{}")
    with pytest.raises(UnreadableFileError, match=r"a\.json"):
        read_results(tmp_path)


def test_writing_complains_in_words(make_result: MakeResult, tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    with pytest.raises(RnstError, match="at least one"):
        write_gallery([], output)
    result = make_result("a.png")
    result.image.write_bytes(b"II*\0 a TIFF")
    with pytest.raises(UnreadableFileError, match=r"a\.png"):
        write_gallery([result], output, embed=True)
    result.image.unlink()
    with pytest.raises(MissingPathError, match=r"a\.png"):
        write_gallery([result], output)
    assert not output.exists()


def test_the_gallery_needs_no_torch_and_no_pillow() -> None:
    code = "import sys, rnst.reporting.gallery.page; print({'torch', 'PIL', 'numpy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout.strip() == "set()"
