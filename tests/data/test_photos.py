from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from rnst.data.broken import BrokenPhotos
from rnst.data.crops import training_transform
from rnst.data.photos import PhotoFiles, Preprocessing, list_photos
from rnst.errors import MissingPathError, UnreadableFileError, WorkerError


def _unchanged(photo: Tensor) -> Tensor:
    return photo


def _one(path: Path, shorter_side: int | None = None) -> Tensor:
    return PhotoFiles([(path, 7)], Preprocessing(shorter_side, _unchanged))[0][0]


def test_list_photos__labels_follow_the_order_of_the_names(make_photos: Callable[..., Path]) -> None:
    train = make_photos(("n01", "n02", "n03"), train=2) / "train"
    files = list_photos(train, {"second": ("n03", "n01"), "first": ("n02",)})
    assert [(path.parent.name, label) for path, label in files] == [
        ("n03", 0),
        ("n03", 0),
        ("n01", 0),
        ("n01", 0),
        ("n02", 1),
        ("n02", 1),
    ]


def test_list_photos__takes_pictures_only(make_photos: Callable[..., Path]) -> None:
    train = make_photos(("n01",), train=1) / "train"
    (train / "n01" / "notes.txt").write_text("no picture")
    (train / "n01" / "again.JPEG").write_bytes(b"")
    assert [path.name for path, _ in list_photos(train, {"n01": ("n01",)})] == ["again.JPEG", "train0.png"]


def test_list_photos__nothing_found(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match="class folders with photos not found"):
        list_photos(tmp_path, {"dog": ("n01",)})


def test_list_photos__of_other_classes_names_both(make_photos: Callable[..., Path]) -> None:
    train = make_photos(("cat",), train=1) / "train"
    with pytest.raises(MissingPathError, match=r"It has photos of cat; the classes are n01, n02"):
        list_photos(train, {"n01": ("n01",), "n02": ("n02",)})


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.new("L", (6, 4), 77), (77, 77, 77)),
        (Image.new("RGB", (6, 4), (1, 2, 3)).quantize(2), (1, 2, 3)),
        (Image.new("RGBA", (6, 4), (10, 20, 30, 255)), (10, 20, 30)),
        (Image.fromarray(np.full((4, 6), 40000, dtype=np.uint16)), (156, 156, 156)),
    ],
    ids=["grey", "palette", "alpha", "16 bit"],
)
def test_every_kind_of_picture_becomes_rgb_bytes(tmp_path: Path, picture: Image.Image, expected: list[int]) -> None:
    picture.save(tmp_path / "photo.png")
    photo = _one(tmp_path / "photo.png")
    assert photo.dtype == torch.uint8
    assert photo.shape == (3, 4, 6)
    assert torch.equal(photo, torch.tensor(expected, dtype=torch.uint8).view(3, 1, 1).expand(3, 4, 6))


def test_cmyk_photo(tmp_path: Path) -> None:
    """ImageNet holds two dozen of them."""
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "photo.jpg")
    assert (_one(tmp_path / "photo.jpg").float().mean((1, 2)) - torch.tensor([255.0, 0.0, 0.0])).abs().max() < 8


def test_a_png_named_jpeg_is_read(tmp_path: Path) -> None:
    """ImageNet holds one."""
    Image.new("RGB", (6, 4), (9, 8, 7)).save(tmp_path / "photo.png")
    path = (tmp_path / "photo.png").rename(tmp_path / "photo.JPEG")
    assert _one(path)[:, 0, 0].tolist() == [9, 8, 7]


@pytest.mark.parametrize(
    "content", [b"this is a text", b"", b"\xff\xd8\xff\xe0\x00\x10JFIF"], ids=["text", "empty", "cut"]
)
def test_no_picture_in_a_jpg(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"cannot read .*photo\.jpg as a (photo|picture): \S"):
        _one(tmp_path / "photo.jpg")


def test_shorter_side(tmp_path: Path) -> None:
    Image.new("RGB", (60, 40)).save(tmp_path / "photo.png")
    assert _one(tmp_path / "photo.png", 20).shape == (3, 20, 30)
    assert _one(tmp_path / "photo.png", 80).shape == (3, 80, 120)


def test_shorter_side__of_a_line_of_pixels(tmp_path: Path) -> None:
    Image.new("RGB", (1, 4000)).save(tmp_path / "line.png")
    assert _one(tmp_path / "line.png", 8).shape == (3, 32000, 8)
    with pytest.raises(UnreadableFileError, match=r"line\.png as a photo: it is 1 by 4000.* 262144000 pixels"):
        _one(tmp_path / "line.png", 256)


def _skipping(paths: list[Path], most: int) -> PhotoFiles:
    view = Preprocessing(None, _unchanged, broken=BrokenPhotos(most), replaces=True)
    return PhotoFiles([(path, number) for number, path in enumerate(paths)], view)


def test_many_unreadable_photos_in_a_row(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4)).save(tmp_path / "good.png")
    paths = [*[tmp_path / "missing.png"] * 1500, tmp_path / "good.png"]
    assert _skipping(paths, 2000)[0][1] == 1500
    assert _skipping(paths, 2000)[-1][1] == 1500
    with pytest.raises(WorkerError, match="10 skipped before"):
        _skipping(paths, 10)[0]


@pytest.mark.parametrize("index", [0, 2, -1])
def test_no_readable_photo_at_all(tmp_path: Path, index: int) -> None:
    with pytest.raises(WorkerError, match=r"missing\.png.* nor can any other photo be read"):
        _skipping([tmp_path / "missing.png"] * 3, 10)[index]


def test_cached_equals_uncached_and_decodes_once(make_photos: Callable[..., Path]) -> None:
    files = list_photos(make_photos(("n01",)) / "train", {"n01": ("n01",)})
    cached, uncached = (
        PhotoFiles(files, Preprocessing(20, training_transform(16, "shifted"), cache)) for cache in (True, False)
    )
    for _ in range(3):
        for index in range(len(files)):
            state = torch.get_rng_state()
            from_cache = cached[index][0]
            torch.set_rng_state(state)
            assert torch.equal(from_cache, uncached[index][0])
    for path, _ in files:
        path.unlink()
    assert cached[0][0].shape == (3, 16, 16)
    with pytest.raises(UnreadableFileError):
        uncached[0]


def test_damaged_pngs_are_refused_and_never_end_the_process(tmp_path: Path) -> None:
    """torchvision's decoder takes the whole process down where the check sum of the pixels is wrong."""
    generator = np.random.default_rng(0)
    path = tmp_path / "photo.png"
    Image.fromarray(generator.integers(0, 255, (24, 32, 3)).astype(np.uint8)).save(path)
    whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    refused = 0
    for _ in range(300):
        damaged = whole.copy()
        damaged[generator.integers(len(whole), size=4)] = generator.integers(0, 255, 4)
        path.write_bytes(damaged[: generator.integers(len(whole) // 2, len(whole))].tobytes())
        try:
            _one(path)
        except UnreadableFileError:
            refused += 1
    assert refused > 250


def test_photos_that_are_not_sorted_into_folders(tmp_path: Path) -> None:
    """As ImageNet's validation photos come."""
    Image.new("RGB", (6, 4)).save(tmp_path / "ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(MissingPathError, match="one folder for each class"):
        list_photos(tmp_path, {"dog": ("n01",)})
