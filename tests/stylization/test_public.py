from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import rnst
from rnst.errors import InvalidValueError
from rnst.image.files import from_pil, write_image

_TINY: dict[str, Any] = {
    **{"encoder": "resnet18", "weights": "random", "size": 40, "supersample": 1.0},
    **{"steps": 2, "scales": 1, "save_every": 0},
}


def test_pictures_in_memory_give_what_their_files_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content, style = (
        torch.rand(1, 3, 30, 40),
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (36, 44, 3)).astype("uint8")),
    )
    write_image(content, Path("content.tif"))
    style.save("style.png")
    from_files = rnst.stylize("content.tif", Path("style.png"), **_TINY)
    from_memory = rnst.stylize(content, [style], **_TINY)
    assert torch.equal(from_files.image, from_memory.image)
    assert from_memory.pil.size == (40, 30)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content.tif", "style.png"], "nothing else is left"


def test_with_an_output__the_picture_and_its_record_stay(tmp_path: Path) -> None:
    picture = rnst.stylize("coffee", torch.rand(3, 40, 40), output=tmp_path / "out.png", **_TINY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "out.png"]
    assert picture.result.image == tmp_path / "out.png"


@pytest.mark.parametrize(
    "wrong", [torch.rand(2, 3, 40, 40), torch.rand(1, 40, 40), torch.ones(3, 40, 40, dtype=torch.uint8), 7]
)
def test_what_is_no_picture__is_named(wrong: Any) -> None:
    with pytest.raises(InvalidValueError, match=r"style is .*, but must be a path"):
        rnst.stylize("coffee", wrong, **_TINY)


def test_from_pil__transparent_and_turned() -> None:
    keyed = Image.new("P", (5, 4), 0)
    keyed.putpalette([255, 0, 0])
    keyed.info["transparency"] = 0
    assert from_pil(keyed).min() == 1.0, "white"
    turned = Image.new("RGB", (5, 4))
    turned.getexif()[0x0112] = 6
    assert from_pil(turned).shape == (1, 3, 5, 4)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "I;16", "F", "CMYK", "HSV", "LA", "La", "RGBa"])
def test_from_pil__of_any_mode(mode: str) -> None:
    values = {"I;16": 32768, "F": 0.5}
    plain = Image.new("RGBA" if mode == "RGBa" else "LA" if mode == "La" else "L", (5, 4), 128)
    image = Image.new(mode, (5, 4), values[mode]) if mode in values else plain.convert(mode)
    read = from_pil(image)
    assert read.shape == (1, 3, 4, 5)
    assert 0.0 <= read.min() <= read.max() <= 1.0
