"""Pages of a sweep: photo and painting are always there, and the magnifier has pixels of its own."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.image.files import read_image, write_image
from rnst.reporting.gallery.names import read_names
from rnst.results import Result
from rnst.sweeps import pages
from rnst.sweeps.pages import write_page, write_small_page


@pytest.fixture
def result(tmp_path: Path) -> Result:
    """A picked picture of 400 pixels, whose photo is a TIFF, which browsers do not show."""
    write_image(torch.rand(1, 3, 30, 40), tmp_path / "photos" / "ben.tif")
    write_image(torch.rand(1, 3, 30, 40), tmp_path / "paintings" / "scream.png")
    image = tmp_path / "swept" / "pictures" / "ben--scream" / "resnet50_robust.png"
    write_image(torch.rand(1, 3, 300, 400), image)
    settings = {"content_path": "../../../photos/ben.tif", "style_paths": ["../../../paintings/scream.png"]}
    return Result(image, "ben", ("scream",), "resnet50_robust", settings, 1.0, 1, {}, {"picked": 1.0}, size=(400, 300))


def _data(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Data of a page, and its embedded pictures."""
    text = path.read_text(encoding="utf-8")
    (data,) = re.findall(r'id="data">(.*?)</script>', text)
    found = re.findall(r'id="(picture-\d+)">data:image/\w+;base64,(.*?)</script>', text)
    return json.loads(data), {f"#{name}": base64.b64decode(content) for name, content in found}


def test_picked__full_pictures_with_photo_and_painting(result: Result) -> None:
    data, embedded = _data(write_small_page([result], result.image.parents[2] / "picked.html", "Picked", read_names()))
    (entry,) = data["results"]
    assert embedded[entry["picture"]] == result.image.read_bytes(), "without a loss"
    assert entry["thumbnail"] != entry["picture"]
    assert data["contents"][0]["pictures"]
    assert data["styles"][0]["pictures"]
    assert data["titles"]["networks"]["resnet50_robust"] == "Robust ResNet-50"


def test_picked__too_many_are_reduced_without_a_loss(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_LARGEST_EMBEDDED", 1000)
    data, embedded = _data(write_small_page([result], result.image.parents[2] / "picked.html", "Picked"))
    (entry,) = data["results"]
    (tmp_path / "reduced.png").write_bytes(embedded[entry["picture"]])
    assert read_image(tmp_path / "reduced.png").shape == (1, 3, 240, 320)
    assert data["contents"][0]["pictures"]
    assert data["styles"][0]["pictures"]


def test_page__links_pictures_and_what_browsers_show_of_the_inputs(result: Result) -> None:
    data, embedded = _data(write_page([result], result.image.parents[2] / "index.html", "All"))
    assert not embedded
    assert data["results"][0]["picture"] == "pictures/ben--scream/resnet50_robust.png"
    (copy,) = data["contents"][0]["pictures"]
    assert (result.image.parents[2] / copy).is_file()
    assert copy.startswith("thumbnails/input--ben--")
    assert data["styles"][0]["pictures"] == ["../paintings/scream.png"]


def test_a_photo_and_a_painting_of_the_same_name__are_two_pictures(result: Result, tmp_path: Path) -> None:
    write_image(torch.rand(1, 3, 30, 40), tmp_path / "paintings" / "ben.tif")
    twin = replace(result, settings={**result.settings, "style_paths": ["../../../paintings/ben.tif"]})
    data, embedded = _data(write_small_page([twin], result.image.parents[2] / "picked.html", "Picked"))
    (photo,), (painting,) = data["contents"][0]["pictures"], data["styles"][0]["pictures"]
    assert embedded[photo] != embedded[painting]
