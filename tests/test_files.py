import os
import stat
import tomllib
from pathlib import Path

import pytest

from rnst import files
from rnst.files import folder_written_aside, shipped_folders, written_aside


def _write(path: Path, text: str) -> None:
    with written_aside(path) as aside:
        aside.write_text(text)


def _fail_midway(path: Path, interruption: type[BaseException]) -> None:
    with written_aside(path) as aside:
        aside.write_text("half of the ne")
        raise interruption


def test_makes_the_folder_and_the_file(tmp_path: Path) -> None:
    _write(tmp_path / "a" / "b.txt", "new")
    assert (tmp_path / "a" / "b.txt").read_text() == "new"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_the_old_file_stays_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    _write(path, "old")
    with written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
        assert aside.parent == path.parent, "another folder may be on another disk, where a rename is a copy"
        assert aside.suffix == ".txt"
    assert path.read_text() == "new"


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = tmp_path / "b.txt"
    _write(path, "old")
    with pytest.raises(interruption):
        _fail_midway(path, interruption)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - our own, without a message
        _fail_midway(tmp_path / "b.txt", ValueError)
    assert list(tmp_path.iterdir()) == []


def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        _write(tmp_path / "b.txt", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "b.txt").stat().st_mode) == 0o640


def test_permissions_of_an_existing_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    _write(path, "old")
    path.chmod(0o600)
    _write(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)


@pytest.mark.parametrize("old", ["old", None], ids=["file", "nothing"])
def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path, old: str | None) -> None:
    target, link = tmp_path / "far" / "target.dat", tmp_path / "link.txt"
    target.parent.mkdir()
    if old is not None:
        target.write_text(old)
    link.symlink_to(target)
    with written_aside(link) as aside:
        assert (aside.parent, aside.suffix) == (target.parent, ".txt")
        aside.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["target.dat"]


def test_what_another_container_writes_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its processes have numbers of their own, which mean nothing here."""
    with written_aside(tmp_path / "a.txt") as aside:
        aside.write_text("a")
        ours = aside.name.replace(f"-{os.getpid()}-", "-999999999-")
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ours).touch()
    _write(tmp_path / "here" / "b.txt", "b")
    monkeypatch.setattr(Path, "readlink", lambda _: Path("pid:[1]"))
    files._machine.cache_clear()
    try:
        _write(tmp_path / "there" / "b.txt", "b")
    finally:
        files._machine.cache_clear()
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["b.txt"]
    assert {path.name for path in (tmp_path / "there").iterdir()} == {"b.txt", ours}


def test_folder__an_empty_one_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    _pack(tmp_path / "new", "whole")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["whole"]


def _pack(folder: Path, name: str, interruption: type[BaseException] | None = None) -> None:
    with folder_written_aside(folder) as aside:
        (aside / name).touch()
        if interruption is not None:
            raise interruption


def test_folder__is_complete_or_absent(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _pack(tmp_path / "new", "half", KeyboardInterrupt)
    assert not list(tmp_path.iterdir())
    _pack(tmp_path / "new", "whole")
    with pytest.raises(OSError, match="new"):
        _pack(tmp_path / "new", "other")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["new", "new/whole"]


@pytest.mark.parametrize("name", ["checkpoints", "configs"])
def test_folders_that_come_with_the_program(name: str) -> None:
    checkout, installed = shipped_folders(name)
    assert any(checkout.iterdir())
    packed = tomllib.loads((checkout.parent / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert any(
        target == f"rnst/bundled/{name}" or target.startswith(f"rnst/bundled/{name}/")
        for target in packed["force-include"].values()
    )
    assert installed == checkout.parent / "rnst" / "bundled" / name
