"""Photos in files and in chunks are the same photos."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision.io import encode_jpeg

from rnst.data.packing import BrokenPhotoError, pack
from rnst.data.photos import PhotoFiles, Preprocessing, decode_photo, list_photos
from rnst.data.streamed import StreamedSource
from rnst.errors import InvalidValueError, MissingPathError

pytest.importorskip("litdata", reason="litdata is not installed; it is the extra streaming")

MakePhotos = Callable[..., Path]
_WHOLE = Preprocessing(None, lambda photo: photo)


def _jpegs(root: Path) -> Path:
    """The same set as JPEG files, whose bytes cannot be made again from their pixels."""
    for path in sorted(root.rglob("*.png")):
        path.with_suffix(".jpg").write_bytes(encode_jpeg(decode_photo(path), quality=60).numpy().tobytes())
        path.unlink()
    return root


@pytest.mark.parametrize("files", ["png", "jpg"])
def test_packed_photos__are_those_of_the_folder(make_photos: MakePhotos, tmp_path: Path, files: str) -> None:
    root = make_photos() if files == "png" else _jpegs(make_photos())
    contents = pack(root, tmp_path / "packed")
    assert contents.splits["train"] == (("n01", 4), ("n02", 4), ("n03", 4))
    source = StreamedSource(str(tmp_path / "packed"))
    assert source.class_names == ("n01", "n02", "n03")
    for split in ("train", "val"):
        listed = list_photos(root / split, {name: (name,) for name in source.class_names})
        ours, theirs = source.open(split, _WHOLE), PhotoFiles(listed, _WHOLE)
        assert ours.labels == theirs.labels
        for number in reversed(range(len(theirs))):
            assert torch.equal(ours.decode(number), theirs.decode(number))
    chunks = b"".join(path.read_bytes() for path in sorted((tmp_path / "packed" / "train").glob("*.bin")))
    assert all(path.read_bytes() in chunks for path, _ in list_photos(root / "train", {"n01": ("n01",)}))


def test_size__reduces_only_larger_photos(make_photos: MakePhotos, tmp_path: Path) -> None:
    root = _jpegs(make_photos(side=40))
    pack(root, tmp_path / "small", size=20)
    pack(root, tmp_path / "same", size=40)
    small, same = (StreamedSource(str(tmp_path / name)).open("val", _WHOLE) for name in ("small", "same"))
    assert small.decode(0).shape == (3, 20, 24)
    assert torch.equal(same.decode(0), decode_photo(root / "val" / "n01" / "val0.jpg"))


def test_what_is_written__does_not_depend_on_workers(make_photos: MakePhotos, tmp_path: Path) -> None:
    root = make_photos()
    for workers in (0, 2):
        pack(root, tmp_path / str(workers), ["val"], workers=workers)
    alone, shared = (sorted((tmp_path / name / "val").glob("*.bin")) for name in ("0", "2"))
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in shared]
    assert (tmp_path / "0" / "photos.json").read_text() == (tmp_path / "2" / "photos.json").read_text()


@pytest.mark.parametrize("workers", [0, 1])
def test_broken_photo__is_named_and_nothing_is_left(make_photos: MakePhotos, tmp_path: Path, workers: int) -> None:
    root = make_photos()
    (root / "val" / "n02" / "val0.png").write_bytes(b"no photo")
    with pytest.raises(BrokenPhotoError, match=r"val.n02.val0\.png as a picture: not a picture\. Repair") as told:
        pack(root, tmp_path / "packed", workers=workers)
    assert "\n" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_stopped__nothing_is_left(make_photos: MakePhotos, tmp_path: Path) -> None:
    def stop(*_: object) -> list[tuple[bytes, str]]:
        raise KeyboardInterrupt

    root = make_photos()
    with pytest.raises(KeyboardInterrupt):
        pack(root, tmp_path / "packed", watched=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_wrong_input__is_refused_before_anything_is_read(make_photos: MakePhotos, tmp_path: Path) -> None:
    root = make_photos()
    (tmp_path / "there").mkdir()
    with pytest.raises(InvalidValueError, match=r"OUT is .*there.*does not exist yet"):
        pack(root, tmp_path / "there")
    with pytest.raises(MissingPathError, match=r"test photos not found.*--split"):
        pack(root, tmp_path / "packed", ["train", "test"])
    with pytest.raises(InvalidValueError, match=r"--size is 0"):
        pack(root, tmp_path / "packed", size=0)
    assert not (tmp_path / "packed").exists()


def test_contents__are_small_and_plain(make_photos: MakePhotos, tmp_path: Path) -> None:
    pack(make_photos(), tmp_path / "packed", ["val"], size=16)
    read = json.loads((tmp_path / "packed" / "photos.json").read_text())
    assert read == {"format": 1, "size": 16, "splits": {"val": [["n01", 2], ["n02", 2], ["n03", 2]]}}
    assert sorted(path.name for path in (tmp_path / "packed").iterdir()) == ["photos.json", "val"]


@pytest.mark.parametrize("split", ["..", ".", "", "a/b", "photos.json"])
def test_a_split_is_a_folder_of_its_own(make_photos: MakePhotos, tmp_path: Path, split: str) -> None:
    root = make_photos()
    with pytest.raises(InvalidValueError, match="--split"):
        pack(root / "train", tmp_path / "packed", [split])
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
