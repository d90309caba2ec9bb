from pathlib import Path

import pytest
import torch

from rnst.errors import InvalidValueError, MissingPathError, UnreadableFileError
from rnst.image.color import DecorrelatedColor, fit_color_root
from rnst.image.color_basis import read_color_root
from rnst.image.files import read_image, write_image


def test_basis__names_need_no_pictures() -> None:
    assert read_color_root("rgb") is None
    assert read_color_root("decorrelated") is None


def test_basis__of_a_folder_a_picture_and_a_sample(tmp_path: Path) -> None:
    for name in ("one.png", "two.jpg", ".hidden.png"):
        write_image(torch.rand(1, 3, 12, 16), tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    images = [read_image(tmp_path / name) for name in ("one.png", "two.jpg")]
    root = read_color_root(str(tmp_path))
    assert root is not None
    assert torch.equal(root, fit_color_root(images))
    pixels = torch.cat([image[0].flatten(1) for image in images], dim=1).double()
    torch.testing.assert_close((root @ root.T).double(), torch.cov(pixels, correction=0), rtol=1e-4, atol=1e-6)
    alone = read_color_root(str(tmp_path / "one.png"))
    assert alone is not None
    assert torch.equal(alone, fit_color_root(images[:1]))
    sample = read_color_root("coffee")
    color = DecorrelatedColor(sample)
    torch.testing.assert_close(color.to_rgb(color.from_rgb(images[0])), images[0].clamp(0.001, 0.999))


def test_basis__mistakes(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("this is a text")
    with pytest.raises(UnreadableFileError):
        read_color_root(str(tmp_path))
    (tmp_path / "text.png").unlink()
    with pytest.raises(MissingPathError, match="pictures"):
        read_color_root(str(tmp_path))
    with pytest.raises(InvalidValueError, match="color_basis"):
        read_color_root(str(tmp_path / "nowhere"))
