"""Training data as people have it; kinds A0, A6-A9, C6, C7, p7."""

import math
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rnst.attacks.ball import L2Ball, LinfBall
from rnst.attacks.fgsm import FGSM
from rnst.attacks.pgd import PGD
from rnst.data.broken import BROKEN, BrokenPhotos
from rnst.data.class_check import ClassesError
from rnst.data.datamodules import PhotoFolders
from rnst.data.facts import DataFacts, Stage
from rnst.data.photos import decode_photo, list_photos
from rnst.data.sources import FolderSource
from rnst.errors import InvalidValueError, MissingPathError, RnstError, UnreadableFileError, WorkerError
from rnst.image.files import read_image
from rnst.machine import check_workers
from rnst.optimization.workers import in_processes
from rnst.training.checks import check_batch, check_data
from rnst.training.recipe import Recipe
from rnst.training.robust_classifier import RobustClassifier
from rnst.training.teacher import Teacher
from tests.conftest import MakePhotos


def _data(root: Path, **options: object) -> PhotoFolders:
    values = {"classes": "folders", "crop": "shifted", "image_size": 32, "batch_size": 4, "workers": 0}
    return PhotoFolders(root, **{**values, **options})  # type: ignore[arg-type]


def _checked(root: Path, **options: object) -> list[str]:
    reported = list[str]()
    check_data(_data(root, **options), reported.append)
    return reported


def _broken(path: Path) -> Path:
    path.write_text("no photo")
    return path


def test_a8__hidden_folders_and_files_are_no_data(make_photos: MakePhotos) -> None:
    root = make_photos()
    hidden = root / "train" / ".ipynb_checkpoints"
    hidden.mkdir()
    Image.new("RGB", (40, 40)).save(hidden / "x.jpg")
    _broken(root / "train" / "n01" / "._train0.png")
    _broken(root / "train" / "n01" / ".DS_Store")
    assert FolderSource(root).class_names == ("n01", "n02", "n03")
    assert not any(path.name.startswith(".") for path, _ in list_photos(root / "train", {"n01": ("n01",)}))
    assert not _checked(root)


def _empty_class(root: Path) -> None:
    (root / "train" / "emu").mkdir()


def _one_class(root: Path) -> None:
    for name in ("n02", "n03"):
        for path in (root / "train" / name).iterdir():
            path.unlink()


def _loose(root: Path) -> None:
    for path in list((root / "train").glob("*/*")):
        path.rename(root / "train" / path.name)
    for path in list((root / "train").iterdir()):
        if path.is_dir():
            path.rmdir()


def _deep(root: Path) -> None:
    for folder in list((root / "train").iterdir()):
        (folder / "deeper").mkdir()
        for path in list(folder.glob("*.png")):
            path.rename(folder / "deeper" / path.name)


def _empty(root: Path) -> None:
    _loose(root)
    for path in (root / "train").iterdir():
        path.unlink()


def _other_names(root: Path) -> None:
    (root / "val" / "n01").rename(root / "val" / "N01")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_empty_class, "train has no photos of emu"),
        (_one_class, "photos of n01 alone: give photos of at least two classes"),
        (_loose, "must be sorted into one folder for each class"),
        (_deep, "must lie directly in the class folders"),
        (_empty, "class folders with photos not found"),
        (_other_names, "val has no photos of n01, and train has no class N01"),
    ],
)
def test_a7_a9__classes_that_cannot_be_learned_are_refused(
    make_photos: MakePhotos, change: Callable[[Path], None], told: str
) -> None:
    root = make_photos()
    change(root)
    with pytest.raises(RnstError, match=told) as error:
        _checked(root)
    assert isinstance(error.value, ClassesError | MissingPathError)
    assert "\n" not in str(error.value)


def test_a9__classes_of_one_split_alone_are_told(make_photos: MakePhotos) -> None:
    root = make_photos()
    for path in (root / "val" / "n02").iterdir():
        path.unlink()
    assert _checked(root) == ["val has no photos of n02: the accuracies are those of the other classes"]
    (root / "val" / "bear").mkdir()
    for path in (root / "val" / "n03").iterdir():
        (root / "val" / "n02" / path.name).write_bytes(path.read_bytes())
    assert _checked(root) == ["bear of val is no class of train: its photos are left out"]


def test_a7__folders_within_some_classes_are_told(make_photos: MakePhotos) -> None:
    root = make_photos()
    (root / "train" / "n02" / "more").mkdir()
    (told,) = _checked(root)
    assert told.endswith("n02/more: folders within a class are not read")


@pytest.mark.parametrize("size", [0, -1])
def test_a6__a_batch_has_a_photo(make_photos: MakePhotos, size: int) -> None:
    with pytest.raises(InvalidValueError, match=f"data.batch_size is {size}, but must be 1 or more"):
        _data(make_photos(), batch_size=size)


def test_a6__batch_norm_needs_two_photos() -> None:
    attack = PGD(L2Ball(1.0), steps=1)
    facts = DataFacts("x", ("a", "b"), 32)
    model = RobustClassifier(facts, attack, architecture="tiny_resnet")
    with pytest.raises(InvalidValueError, match="at least 2 for tiny_resnet"):
        check_batch(model, 1)
    check_batch(model, 2)


@pytest.mark.parametrize("workers", [0, 2])
def test_a0__an_unreadable_photo_is_one_line_from_any_process(make_photos: MakePhotos, workers: int) -> None:
    root = make_photos()
    name = _broken(root / "train" / "n01" / "x.jpg").name
    loader = _data(root, workers=workers, skip_broken=0).train_dataloader()
    with pytest.raises(WorkerError, match=f"^cannot read .*{name} as a picture: not a picture$") as refused:
        list(loader)
    traceback.clear_frames(refused.tb)  # its workers end now, not in the middle of another test, which waits for them


@pytest.mark.parametrize("workers", [0, 2])
def test_p7__few_unreadable_photos_are_skipped_and_listed(make_photos: MakePhotos, workers: int) -> None:
    root = make_photos()
    _broken(root / "train" / "n01" / "x.jpg")
    _broken(root / "val" / "n02" / "y.png")
    (root / "train" / "n03" / "dangling.jpg").symlink_to("nowhere")
    data = _data(root, workers=workers, skip_broken=2)
    batches = list(data.train_dataloader())
    assert sum(len(labels) for _, labels in batches) == 12  # whole batches: others take their places
    assert all(int((labels == BROKEN).sum()) == 0 for _, labels in batches)
    seen = [data.on_before_batch_transfer(batch, 0) for batch in data.val_dataloader()]
    assert sum(len(batch[1]) for batch in seen) == 6
    lines = data.skipped()
    assert [line.split(" photo")[0] for line in lines] == ["skipped 2 train", "skipped 1 val"]
    assert "x.jpg" in lines[0]
    assert "dangling.jpg" in lines[0]
    assert "y.png" in lines[1]


def test_p7__more_unreadable_photos_than_allowed_are_refused() -> None:
    broken = BrokenPhotos(1)
    error = UnreadableFileError("a.jpg", "a photo", "it is empty")
    broken.note(3, error)
    broken.note(3, error)
    assert broken.indices == [3]
    with pytest.raises(WorkerError, match=r"cannot read a\.jpg as a photo: it is empty; 1 skipped before"):
        broken.note(4, error)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff\xe0 broken"])
def test_p7__reasons_name_no_file_of_another_machine(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(UnreadableFileError) as error:
        decode_photo(tmp_path / "a.jpg")
    assert "__w" not in str(error.value)
    assert ".cpp" not in str(error.value)


def test_p7__a_jpeg_without_its_end_is_a_photo(tmp_path: Path) -> None:
    """The training reads what stylize.py reads: Pillow takes some of these files, and torchvision none."""
    generator, kept = np.random.default_rng(0), 0
    rows, columns = np.mgrid[0:49, 0:65]
    smooth = np.stack([4 * columns, 5 * rows, 255 - 4 * columns], axis=2)
    for number in range(80):
        pixels = np.clip(smooth + generator.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=92)
        (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[: -1 - number % 2])
        with suppress(UnreadableFileError):
            read_image(tmp_path / "a.jpg")
            kept += 1
            assert decode_photo(tmp_path / "a.jpg").shape == (3, 49, 65)
    assert kept


def test_p7__a_folder_with_the_name_of_a_photo_is_no_photo(make_photos: MakePhotos) -> None:
    root = make_photos()
    (root / "train" / "n01" / "a.JPEG").mkdir()
    assert all(path.is_file() for path, _ in list_photos(root / "train", {"n01": ("n01",)}))


_NOT_NUMBERS = (math.nan, math.inf, -math.inf, -1.0)


@pytest.mark.parametrize("value", _NOT_NUMBERS)
def test_b1__numbers_of_a_training_are_finite(value: float) -> None:
    makers: list[Callable[[float], object]] = [
        L2Ball,
        LinfBall,
        lambda number: PGD(L2Ball(1.0), step_size=number),
        lambda number: FGSM(L2Ball(1.0), step=number),
        lambda number: Recipe(learning_rate=number),
        lambda number: Recipe(weight_decay=number),
        lambda number: Recipe(warmup_epochs=number),
        lambda number: Teacher("resnet18", temperature=number),
    ]
    for make in makers:
        with pytest.raises(InvalidValueError):
            make(value)


@pytest.mark.parametrize(
    "options",
    [
        {"image_size": 0},
        {"image_size": 2_000_000_000},
        {"stages": [Stage(0, 32)]},
        {"stages": [Stage(1, -3)]},
        {"workers": -1},
        {"workers": 9999},
        {"evaluation_photos": -1},
        {"skip_broken": -1},
        {"crop_area": math.nan},
    ],
    ids=str,
)
def test_c5_c6__numbers_of_the_loading_have_limits(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError):
        _data(tmp_path, **options)


def _process(_job: int) -> int:
    return torch.initial_seed() * 0 + 1


def test_c6__no_more_workers_start_than_there_are_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnst.optimization.workers.ProcessPoolExecutor", None)  # one job needs no process
    assert list(in_processes(_process, [0], 99)) == [(0, 1)]
    assert not list(in_processes(_process, [], 99))


def test_c6__a_machine_has_so_many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnst.machine.processors", lambda: 2)
    check_workers("--workers", 16)
    for workers in (17, 99, 2_000_000_000, -1):
        with pytest.raises(InvalidValueError, match="from 0 to 16, as this machine has 2 processors"):
            check_workers("--workers", workers)
