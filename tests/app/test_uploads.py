from pathlib import Path

import pytest
import torch

from rnst.app.uploads import keep, pair, preview, safe_name
from rnst.errors import UnreadableFileError
from rnst.image.files import read_image, write_image


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("photo.JPG", "photo.jpg"),
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.ini.png"),
        ("a b<script>&'\".png", "a-b-script.png"),
        (".bashrc", "bashrc.png"),
        ("--output.png", "output.png"),
        ("", "picture.png"),
        ("Föhr 2024.webp", "Föhr-2024.webp"),
        ("nul\0byte.png", "nul-byte.png"),
        ("x" * 300 + ".png", "x" * 60 + ".png"),
    ],
)
def test_safe_names(name: str, kept: str) -> None:
    found = safe_name(name)
    assert found == kept
    assert Path(found).name == found


def test_the_same_picture_is_kept_once__another_one_gets_its_own_name(tmp_path: Path) -> None:
    upload, folder = tmp_path / "upload" / "a.png", tmp_path / "kept"
    write_image(torch.zeros(1, 3, 8, 8), upload)
    first = keep(upload, folder)
    assert keep(upload, folder) == first == folder / "a.png"
    write_image(torch.ones(1, 3, 8, 8), upload)
    assert keep(upload, folder) == folder / "a-2.png"
    assert keep(upload, folder) == folder / "a-2.png"
    assert read_image(first).max() == 0.0


def test_a_broken_file__is_named_as_the_user_knows_it_and_not_kept(tmp_path: Path) -> None:
    upload, folder = tmp_path / "broken.jpg", tmp_path / "kept"
    upload.write_bytes(b"\xff\xd8\xff\xe0broken")
    with pytest.raises(UnreadableFileError, match=r"^cannot read broken.jpg as a picture: "):
        keep(upload, folder)
    assert not folder.exists()


def test_previews_are_small_and_made_once(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    write_image(torch.rand(1, 3, 40, 80), photo)
    made = preview(str(photo), tmp_path / "cache", 20)
    assert read_image(made).shape == (1, 3, 10, 20)
    changed = made.stat().st_mtime_ns
    assert preview(str(photo), tmp_path / "cache", 20) == made
    assert made.stat().st_mtime_ns == changed
    assert read_image(preview(str(photo), tmp_path / "cache", 500)).shape == (1, 3, 40, 80)


def test_pairs_have_one_size(tmp_path: Path) -> None:
    for name, size in (("a.png", (20, 30)), ("b.png", (40, 60))):
        write_image(torch.rand(1, 3, *size), tmp_path / name)
    for found in pair(tmp_path / "a.png", tmp_path / "b.png", tmp_path / "cache"):
        assert read_image(found).shape == (1, 3, 40, 60)
