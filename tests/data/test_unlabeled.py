from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from rnst.data.crops import evaluation_transform
from rnst.data.photos import PhotoFiles, Preprocessing
from rnst.data.sources import Split
from rnst.data.unlabeled import UnlabeledSource
from rnst.errors import MissingPathError

_VIEW = Preprocessing(None, evaluation_transform(8))


def _files(root: Path, names: Iterable[str]) -> list[Path]:
    """Empty files: a source lists them and opens none."""
    paths = [root / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return paths


def _found(source: UnlabeledSource, split: Split) -> list[Path]:
    photos = cast("PhotoFiles", source.open(split, _VIEW))
    assert set(photos.labels) == {0}
    return photos.paths


def _many(root: Path, count: int = 400) -> list[Path]:
    return _files(root, (f"{number % 7}/{number}.jpg" for number in range(count)))


def test_nested_photos_are_found_and_hidden_ones_are_not(tmp_path: Path) -> None:
    kept = _files(tmp_path, ["train/a.jpg", "train/x/b.PNG", "train/x/y/z/c.webp", "val/v.jpeg"])
    _files(tmp_path, ["train/.a.jpg", "train/.thumbnails/b.jpg", "train/x/.y/z/c.jpg", "train/readme.txt"])
    source = UnlabeledSource([tmp_path])
    assert set(_found(source, "train")) == set(kept[:3])
    assert _found(source, "val") == kept[3:]


def test_a_root_below_a_hidden_folder_is_searched(tmp_path: Path) -> None:
    paths = _many(tmp_path / ".cache" / "photos")
    source = UnlabeledSource([tmp_path / ".cache" / "photos"])
    assert len(_found(source, "train")) + len(_found(source, "val")) == len(paths)


def test_several_roots__a_val_of_its_own_validates_and_every_other_photo_trains(tmp_path: Path) -> None:
    split_train = _files(tmp_path / "split", ["train/a.jpg", "train/deep/b.jpg"])
    split_val = _files(tmp_path / "split", ["val/deep/c.jpg"])
    only_train = _files(tmp_path / "half", ["train/d.jpg"])
    _files(tmp_path / "half", ["beside/e.jpg"])
    plain = _many(tmp_path / "plain")
    source = UnlabeledSource([tmp_path / name for name in ("split", "half", "plain")])
    assert sorted(_found(source, "train")) == sorted([*split_train, *only_train, *plain]), "nothing is held out"
    assert _found(source, "val") == split_val


def test_hold_out__is_disjoint_and_covers_every_photo(tmp_path: Path) -> None:
    paths = [*_many(tmp_path / "a"), *_many(tmp_path / "b" / "train")]
    source = UnlabeledSource([tmp_path / "a", tmp_path / "b"])
    train, val = _found(source, "train"), _found(source, "val")
    assert not set(train) & set(val)
    assert sorted([*train, *val]) == sorted(paths)
    assert 0.005 < len(val) / len(paths) < 0.05, "about one in fifty"


def test_hold_out__stays_as_it_is_when_photos_come_and_the_folder_moves(tmp_path: Path) -> None:
    before = tmp_path / "before"
    _many(before)
    held = {path.relative_to(before) for path in _found(UnlabeledSource([before]), "val")}
    after = before.rename(tmp_path / "after")
    old = {path.relative_to(after) for path in after.rglob("*.jpg")}
    _many(after / "new")
    found = {path.relative_to(after) for path in _found(UnlabeledSource([after]), "val")}
    assert found & old == held


@pytest.mark.parametrize("count", [2, 3, 9])
def test_hold_out__of_a_few_photos_is_one_photo(count: int, tmp_path: Path) -> None:
    paths = _files(tmp_path, (f"{number}.jpg" for number in range(count)))
    source = UnlabeledSource([tmp_path])
    assert len(_found(source, "val")) == 1
    assert sorted([*_found(source, "train"), *_found(source, "val")]) == sorted(paths)


def test_hold_out__of_a_single_photo_leaves_none_to_train(tmp_path: Path) -> None:
    _files(tmp_path, ["a.jpg"])
    with pytest.raises(MissingPathError, match=r"train photos not found.*two photos or more"):
        UnlabeledSource([tmp_path]).open("train", _VIEW)


def test_a_root_inside_another__each_photo_counts_once_and_none_trains_and_validates(tmp_path: Path) -> None:
    paths = _files(tmp_path, ["train/a.jpg", "train/b.jpg", "val/c.jpg"])
    (tmp_path / "again").symlink_to(tmp_path / "val")
    source = UnlabeledSource([tmp_path, tmp_path / "train", tmp_path / "again"])
    assert _found(source, "train") == paths[:2]
    assert _found(source, "val") == paths[2:]


def test_links_to_folders_are_followed_once_and_come_last(tmp_path: Path) -> None:
    root = tmp_path / "root"
    own = _files(root, ["train/b/1.jpg", "train/z.jpg", "val/v.jpg"])
    _files(tmp_path / "elsewhere", ["2.jpg", "deep/3.jpg", ".hidden/4.jpg"])
    (root / "train" / "a").symlink_to(tmp_path / "elsewhere")
    (root / "train" / "again").symlink_to(tmp_path / "elsewhere")
    (root / "train" / "aa").symlink_to(root / "train" / "b")
    (root / "train" / "b" / "circle").symlink_to(root / "train")
    linked = [root / "train" / "a" / "2.jpg", root / "train" / "a" / "deep" / "3.jpg"]
    assert _found(UnlabeledSource([root]), "train") == [*own[:2], *linked]


def test_a_folder_named_as_a_photo_is_a_folder(tmp_path: Path) -> None:
    paths = _files(tmp_path, ["train/holiday.jpg/a.jpg", "train/z.jpg", "val/v.jpg"])
    assert _found(UnlabeledSource([tmp_path]), "train") == paths[:2]


def test_it_has_no_classes() -> None:
    assert UnlabeledSource([Path("nowhere")]).class_names == ()


def test_missing_folder_and_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match=r"nowhere.*--data\.root"):
        UnlabeledSource([tmp_path, tmp_path / "nowhere"]).prepare()
    with pytest.raises(MissingPathError, match="train photos not found"):
        UnlabeledSource([tmp_path]).open("train", _VIEW)
