import os
from pathlib import Path

import pytest

from rnst.app.history import find, free_name, made_in
from rnst.errors import MissingPathError
from rnst.results import Result


def _make(folder: Path, name: str, when: int, *, finished: bool = True) -> Path:
    image = folder / name
    image.write_bytes(b"picture")
    result = Result(image, "a", ("b",), "e", {"size": 8}, 65.0, 1, {}, size=(8, 6), finished=finished)
    os.utime(result.write(), (when, when))
    return image


def test_the_latest_comes_first__and_what_is_no_record_is_ignored(tmp_path: Path) -> None:
    _make(tmp_path, "old.png", 1000)
    _make(tmp_path, "new.png", 3000, finished=False)
    _make(tmp_path, "gone.png", 4000).unlink()
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "broken.json").write_bytes(b"\xff{")
    (tmp_path / "evil.json").write_text('{"image": "../../secret.png", "settings": {}}')
    made = made_in(tmp_path)
    assert [one.caption for one in made] == ["new · 8 x 6, 65 s, stopped", "old · 8 x 6, 65 s"]
    assert not made[0].can_resume  # no state is left
    assert made_in(tmp_path / "absent") == []


def test_a_changed_record_is_read_again(tmp_path: Path) -> None:
    _make(tmp_path, "a.png", 1000, finished=False)
    assert "stopped" in made_in(tmp_path)[0].caption
    _make(tmp_path, "a.png", 2000)
    assert "stopped" not in made_in(tmp_path)[0].caption


@pytest.mark.parametrize("name", ["b.png", "../a.png", "a.json", "/etc/passwd", ""])
def test_names_are_never_followed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    _make(tmp_path, "a.png", 1)
    _make(folder, "c.png", 1)
    with pytest.raises(MissingPathError, match="no longer"):
        find(folder, name)
    assert find(folder, "c.png").deep is None


def test_free_names_fit_into_a_file_system(tmp_path: Path) -> None:
    found = free_name(tmp_path, "\N{HIRAGANA LETTER A}" * 120)
    found.touch()
    assert free_name(tmp_path, "\N{HIRAGANA LETTER A}" * 120) != found


def test_free_names_replace_nothing(tmp_path: Path) -> None:
    assert free_name(tmp_path, "a") == tmp_path / "a.png"
    (tmp_path / "a.tif").touch()
    assert free_name(tmp_path, "a") == tmp_path / "a-2.png"
    assert free_name(tmp_path, "a", {tmp_path / "a-2.png"}) == tmp_path / "a-3.png"
