"""A tiny archive in the published layout. torchvision checks each file by hash; the subclass knows those of ours."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from rnst.data import cifar10
from rnst.data.datamodules import PhotoFolders
from rnst.errors import MissingPathError

_NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
_PHOTOS = {**{f"data_batch_{number}": 12 for number in range(1, 6)}, "test_batch": 20}


pytestmark = pytest.mark.usefixtures("archive")


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    generator = np.random.default_rng(0)
    folder = tmp_path / "cifar" / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    contents: dict[str, Any] = {"batches.meta": {"label_names": _NAMES}}
    for name, count in _PHOTOS.items():
        data = generator.integers(0, 256, (count, 3072)).astype(np.uint8)
        contents[name] = {"data": data, "labels": [number % 10 for number in range(count)]}
    for name, content in contents.items():
        (folder / name).write_bytes(pickle.dumps(content))
    hashes = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}  # noqa: S324

    class Tiny(CIFAR10):  # type: ignore[misc]
        url = "http://127.0.0.1:9/cifar-10-python.tar.gz"  # nothing listens there
        train_list = [[name, hashes[name]] for name in _PHOTOS if name != "test_batch"]  # noqa: RUF012 - torchvision's
        test_list = [["test_batch", hashes["test_batch"]]]  # noqa: RUF012 - torchvision's
        meta = {**CIFAR10.meta, "md5": hashes["batches.meta"]}  # noqa: RUF012 - torchvision's

    monkeypatch.setattr(cifar10.Cifar10Source, "archive", Tiny)
    return folder.parent


def _data(root: Path, batch_size: int = 10) -> PhotoFolders:
    return PhotoFolders(
        root,
        name="cifar10",
        source="cifar10",
        crop="padded",
        image_size=32,
        workers=0,
        cache=True,
        batch_size=batch_size,
    )


def test_facts__before_the_archive_is_there(tmp_path: Path) -> None:
    facts = _data(tmp_path).facts
    assert facts.class_names == tuple(_NAMES)
    assert facts.mean == (0.4914, 0.4822, 0.4465)


def test_photos_and_labels_are_those_of_the_archive(archive: Path) -> None:
    data = _data(archive, batch_size=20)
    data.prepare_data()
    ((images, labels),) = list(data.test_dataloader())
    stored = pickle.loads((archive / "cifar-10-batches-py" / "test_batch").read_bytes())  # noqa: S301 - our own
    assert torch.equal(images, torch.from_numpy(stored["data"]).view(-1, 3, 32, 32))
    assert labels.tolist() == stored["labels"]


def test_training__padded_crops_of_the_other_photos(archive: Path) -> None:
    batches = list(_data(archive, batch_size=30).train_dataloader())
    assert [images.shape for images, _ in batches] == [(30, 3, 32, 32)] * 2
    assert torch.bincount(torch.cat([labels for _, labels in batches])).tolist() == [10, 10, 5, 5, 5, 5, 5, 5, 5, 5]


def test_absent_and_no_network(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match=r"CIFAR-10 not found.*nowhere.*download failed.*--data\.root") as told:
        _data(tmp_path / "nowhere").prepare_data()
    assert "\n" not in str(told.value)


def test_a_damaged_file_is_never_opened(archive: Path) -> None:
    path = archive / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(MissingPathError, match="CIFAR-10 not found"):
        _data(archive).test_dataloader()
