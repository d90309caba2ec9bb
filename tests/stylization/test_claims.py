"""Which existing pictures may be replaced: those that this program wrote."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, PngImagePlugin

from rnst.image.files import write_image
from rnst.stylization.claims import is_picture_of_ours
from rnst.stylization.job import resolve
from rnst.stylization.settings import StylizationSettings

_FORMATS = [".jpg", ".png", ".webp", ".tif", ".avif"]


@pytest.mark.parametrize("ending", _FORMATS)
def test_our_pictures(tmp_path: Path, ending: str) -> None:
    settings = resolve(StylizationSettings(content="coffee", style="flow")).as_dict()
    write_image(torch.rand(1, 3, 8, 8), tmp_path / f"a{ending}", settings)
    assert is_picture_of_ours(tmp_path / f"a{ending}")


def test_our_intermediate_pictures(tmp_path: Path) -> None:
    write_image(torch.rand(1, 3, 8, 8), tmp_path / "a.png", {"snapshot_of_step": 50})
    assert is_picture_of_ours(tmp_path / "a.png")


@pytest.mark.parametrize("ending", _FORMATS)
@pytest.mark.parametrize("text", ['{"shape": [8, 8, 3]}', '{"prompt": "a cat", "steps": 20}', "a cat", "[1]"])
def test_json_of_other_programs(tmp_path: Path, ending: str, text: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = text
    options: dict[str, Any] = {"exif": exif}
    if ending == ".png":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("parameters", text)
    Image.new("RGB", (8, 8)).save(tmp_path / f"a{ending}", **options)
    assert not is_picture_of_ours(tmp_path / f"a{ending}")


def test_a_scan_that_tifffile_wrote(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), np.uint8), photometric="rgb")
    assert not is_picture_of_ours(tmp_path / "a.tif")
