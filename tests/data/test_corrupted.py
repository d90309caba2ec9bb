import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rnst.data.batches import evenly
from rnst.data.corrupted import Condition, CorruptedPhotos, PublishedCorruptions
from rnst.data.crops import evaluation_transform
from rnst.data.photos import LabeledPhotos, Preprocessing
from rnst.data.sources import FolderSource
from rnst.errors import InvalidValueError, MissingPathError

MakePhotos = Callable[..., Path]

_CONDITIONS = [Condition("gaussian_noise", 1), Condition("gaussian_noise", 2), Condition("fog", 3)]


def _opened(root: Path) -> LabeledPhotos:
    return FolderSource(root).open("val", Preprocessing(32, evaluation_transform(32)))


def test_versions__clean_first_each_photo_with_its_own_noise(make_photos: MakePhotos) -> None:
    photos = evenly(_opened(make_photos()), 0)
    found = CorruptedPhotos(photos, _CONDITIONS, seed=0)
    versions, label = found[3]
    assert versions.shape == (4, 3, 32, 32)
    assert versions.dtype == torch.uint8
    assert torch.equal(versions[0], photos[3][0])
    assert label == photos[3][1]
    noise = [(found[index][0][1].float() - found[index][0][0].float()).flatten() for index in (0, 1)]
    assert float(torch.corrcoef(torch.stack(noise))[0, 1].abs()) < 0.2


def test_what_is_drawn_does_not_depend_on_what_else_is_measured(make_photos: MakePhotos) -> None:
    opened = _opened(make_photos(val=4))
    some = evenly(opened, 3)
    assert some.indices != [0, 1, 2], "other numbers within the choice"
    everything = CorruptedPhotos(evenly(opened, 0), _CONDITIONS, seed=7)
    for index, number in enumerate(some.indices):
        alone = CorruptedPhotos(some, _CONDITIONS[2:], seed=7)[index][0]
        assert torch.equal(alone[1], everything[number][0][3])
    other = CorruptedPhotos(some, _CONDITIONS, seed=8)
    assert not torch.equal(other[0][0][1], CorruptedPhotos(some, _CONDITIONS, seed=7)[0][0][1])


def test_published__is_read_by_name(make_photos: MakePhotos, tmp_path: Path) -> None:
    root, published = make_photos(), tmp_path / "corrupted"
    for condition in _CONDITIONS:
        shutil.copytree(root / "val", published / condition.corruption / str(condition.severity))
    swapped = published / "fog" / "3" / "n01"
    shutil.copy(swapped / "val1.png", swapped / "val0.png")
    photos = evenly(_opened(root), 0)
    found = PublishedCorruptions(photos, _CONDITIONS, published, 32)
    versions, _ = found[0]
    assert torch.equal(versions[1], versions[2])
    assert not torch.equal(versions[3], versions[1])
    assert torch.equal(versions[3], found[1][0][3])
    (published / "fog" / "3" / "n02" / "val1.png").unlink()
    with pytest.raises(MissingPathError, match=r"fog/3/n02/val1\.png"):
        PublishedCorruptions(photos, _CONDITIONS, published, 32)


def test_published__needs_files(make_photos: MakePhotos, tmp_path: Path) -> None:
    photos = evenly(_opened(make_photos()), 0)
    photos.dataset = torch.utils.data.TensorDataset(torch.zeros(6))  # type: ignore[assignment]
    with pytest.raises(InvalidValueError, match="--corrupted"):
        PublishedCorruptions(photos, _CONDITIONS, tmp_path, 32)
