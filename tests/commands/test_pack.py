import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnst.cli import main
from rnst.data.photos import Preprocessing
from rnst.data.streamed import StreamedSource
from rnst.errors import MissingExtraError

pytest.importorskip("litdata", reason="litdata is not installed; it is the extra streaming")

MakePhotos = Callable[..., Path]


def _refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["pack", *map(str, arguments)])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1, error
    return error


def test_pack__says_what_was_packed(
    make_photos: MakePhotos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(
        ["pack", str(make_photos()), str(tmp_path / "out"), "--split", "train", "val", "--workers", "0", "--size", "8"]
    )
    said = capsys.readouterr().out
    assert "train: 12 photos in 3 classes" in said
    assert "val: 6 photos in 3 classes" in said
    assert f"--data.source streamed --data.root {tmp_path / 'out'}" in said
    main(["pack", str(tmp_path / "photos"), str(tmp_path / "half"), "--split", "val", "--workers", "0"])
    assert not (tmp_path / "half" / "train").exists()


def test_wrong_input__one_line_and_status_2(
    make_photos: MakePhotos, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_photos()
    assert "OUT is" in _refused(capsys, root, root)
    assert "folder of photos not found" in _refused(capsys, tmp_path / "nowhere", tmp_path / "out")
    assert "--size is 0" in _refused(capsys, root, tmp_path / "out", "--size=0")
    assert "--workers is -1" in _refused(capsys, root, tmp_path / "out", "--workers=-1")
    assert "--split is" in _refused(capsys, root, tmp_path / "out", "--split", "../photos")
    (root / "train" / "n01" / "train1.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert "train1.png" in _refused(capsys, root, tmp_path / "out", "--workers", "0")
    assert not (tmp_path / "out").exists()


def test_without_the_extra__its_name_is_said(
    make_photos: MakePhotos, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_photos()
    main(["pack", str(root), str(tmp_path / "there"), "--workers", "0"])
    capsys.readouterr()  # the bar
    for name in ("litdata", "litdata.streaming.writer"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "uv run --extra streaming" in _refused(capsys, root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    source = StreamedSource(str(tmp_path / "there"))
    with pytest.raises(MissingExtraError, match=r"--data\.source streamed needs the extra 'streaming'"):
        source.open("val", Preprocessing(None, lambda photo: photo))
