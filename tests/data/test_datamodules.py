import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.data.datamodules import PhotoFolders
from rnst.data.facts import Stage
from rnst.data.restricted_imagenet import RESTRICTED_IMAGENET, RESTRICTED_IMAGENET_BALANCED
from rnst.errors import InvalidValueError, MissingPathError, RnstError
from rnst.normalization import IMAGENET_MEAN

MakePhotos = Callable[..., Path]


def _folders(root: Path, **options: Any) -> PhotoFolders:
    settings = {"classes": "folders", "name": "tiny", "image_size": 32, "batch_size": 4, "workers": 0, **options}
    return PhotoFolders(root, **settings)


class _Recorder(pl.LightningModule):
    """Records the size of every batch, and what is random in training; learns nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: dict[str, list[int]] = {"train": [], "val": [], "test": []}
        self.drawn: list[tuple[float, list[int], float]] = []

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
        images, labels = batch
        self.drawn.append((images.double().sum().item(), labels.tolist(), torch.rand(1).item()))
        assert images.dtype == torch.float32
        assert 0.0 <= images.min() < images.max() <= 1.0
        assert images.is_contiguous(memory_format=torch.channels_last)
        self.seen["train"].append(images.shape[-1])
        return self.weight.sum()

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:  # noqa: ARG002 - a hook
        self.seen["val"].append(batch[0].shape[-1])

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:  # noqa: ARG002 - a hook
        self.seen["test"].append(batch[0].shape[-1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def _trainer(folder: Path, **options: Any) -> pl.Trainer:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    return pl.Trainer(
        default_root_dir=folder,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        **{**quiet, **options},
    )


def test_facts__folders(make_photos: MakePhotos) -> None:
    facts = _folders(make_photos(("b", "a", "c"))).facts
    assert facts.class_names == ("a", "b", "c")
    assert (facts.name, facts.image_size, facts.mean) == ("tiny", 32, IMAGENET_MEAN)


def test_facts__restricted_imagenet_is_known_before_a_photo_is_there(tmp_path: Path) -> None:
    assert PhotoFolders(tmp_path).facts.class_names == tuple(RESTRICTED_IMAGENET)


def test_restricted_imagenet__labels_by_wordnet_id(make_photos: MakePhotos) -> None:
    """With most folders missing the labels are still right (by folder index they would not be)."""
    ids = [RESTRICTED_IMAGENET["crab"][1], RESTRICTED_IMAGENET["dog"][60], RESTRICTED_IMAGENET["insect"][0]]
    data = _folders(make_photos(ids, train=1, val=3), classes="restricted_imagenet", batch_size=9)
    (_, labels), *rest = list(data.val_dataloader())
    assert not rest
    names = list(RESTRICTED_IMAGENET)
    assert [names[label] for label in labels.tolist()] == ["dog"] * 3 + ["crab"] * 3 + ["insect"] * 3


def test_stages__size_at() -> None:
    stages = [Stage(epochs=1, image_size=16), Stage(epochs=2, image_size=24), Stage(epochs=1, image_size=28)]
    data = _folders(Path(), stages=stages)
    assert [data.size_at(epoch) for epoch in range(6)] == [16, 24, 24, 28, 28, 28]
    assert [_folders(Path()).size_at(epoch) for epoch in (0, 9)] == [32, 32]


def test_stages__a_training_sees_the_sizes(make_photos: MakePhotos, tmp_path: Path) -> None:
    stages = [Stage(epochs=2, image_size=16), Stage(epochs=1, image_size=24)]
    data = _folders(make_photos(train=4, val=2), crop="shifted", cache=True, stages=stages)
    model, trainer = _Recorder(), _trainer(tmp_path, max_epochs=4)
    trainer.fit(model, datamodule=data)
    trainer.test(model, datamodule=data, verbose=False)
    assert model.seen["train"] == [16] * 3 + [16] * 3 + [24] * 3 + [24] * 3
    assert model.seen["val"] == [16] * 2 + [16] * 2 + [24] * 2 + [24] * 2
    assert model.seen["test"] == [32] * 2, "the test is at the full size"


def test_stages__a_resumed_training_goes_on_at_its_size(make_photos: MakePhotos, tmp_path: Path) -> None:
    root, stages = make_photos(), [Stage(epochs=1, image_size=16), Stage(epochs=1, image_size=24)]
    first = _trainer(tmp_path, max_epochs=1)
    first.fit(_Recorder(), datamodule=_folders(root, stages=stages))
    first.save_checkpoint(tmp_path / "state.ckpt")
    model = _Recorder()
    second = _trainer(tmp_path, max_epochs=2)
    second.fit(model, datamodule=_folders(root, stages=stages), ckpt_path=tmp_path / "state.ckpt", weights_only=True)
    assert set(model.seen["train"]) == {24}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_training_draws_what_it_would_have_drawn(
    make_photos: MakePhotos, tmp_path: Path, workers: int
) -> None:
    """Order, crops, and what the task itself draws, as random starts."""
    root, drawn = make_photos(), []
    for parts in ((2,), (1, 2)):
        model = _Recorder()
        for epochs in parts:
            torch.manual_seed(5)
            trainer = _trainer(tmp_path, max_epochs=epochs)
            resume = tmp_path / "state.ckpt" if epochs > parts[0] else None
            data = _folders(root, crop="shifted", workers=workers)
            trainer.fit(model, datamodule=data, ckpt_path=resume, weights_only=True)
            trainer.save_checkpoint(tmp_path / "state.ckpt")
        drawn.append(model.drawn)
    assert len(drawn[0]) == 6
    assert len(set(map(str, drawn[0]))) == 6
    assert drawn[0] == drawn[1]


def test_train_and_val_share_no_photo(make_photos: MakePhotos) -> None:
    root = make_photos(train=8, val=4)
    data = _folders(root, image_size=32, batch_size=1)
    # The photos' paths are read off the loaders themselves.
    paths = {
        split: set(photos.paths)
        for split, photos in (
            ("train", cast("Any", data.train_dataloader().dataset).photos),
            ("val", cast("Any", data.val_dataloader().dataset).dataset),
        )
    }
    assert paths["train"] == set((root / "train").rglob("*.png"))
    assert paths["val"] == set((root / "val").rglob("*.png"))
    assert (
        cast("Any", data.test_dataloader().dataset).dataset.paths
        == cast("Any", data.val_dataloader().dataset).dataset.paths
    )


def test_train_loader__shuffles_and_drops_the_rest(make_photos: MakePhotos) -> None:
    data = _folders(make_photos(train=7), batch_size=4)
    labels = torch.cat([labels for _, labels in data.train_dataloader()]).tolist()
    assert len(labels) == 20
    assert labels != sorted(labels)


@pytest.mark.parametrize("workers", [0, 1])
def test_train_loader__an_epoch_has_its_own_order_and_crops(make_photos: MakePhotos, workers: int) -> None:
    root = make_photos()

    def epoch(seed: int, number: int) -> Tensor:
        torch.manual_seed(seed)
        data = _folders(root, crop="shifted", workers=workers)
        data.trainer = cast("pl.Trainer", SimpleNamespace(current_epoch=number, global_rank=0, world_size=1))
        torch.rand(number + 5)  # whatever happened before
        return torch.cat([images for images, _ in data.train_dataloader()])

    assert torch.equal(epoch(1, 3), epoch(1, 3))
    assert not torch.equal(epoch(1, 3), epoch(1, 4))
    assert not torch.equal(epoch(1, 3), epoch(2, 3))


def test_val_loader__takes_everything_in_order(make_photos: MakePhotos) -> None:
    data = _folders(make_photos(val=3), batch_size=4)
    assert torch.cat([labels for _, labels in data.val_dataloader()]).tolist() == [0] * 3 + [1] * 3 + [2] * 3


def test_evaluation_photos__the_same_share_of_each_class(make_photos: MakePhotos) -> None:
    root = make_photos(train=4, val=6)
    data = _folders(root, evaluation_photos=6, batch_size=100)
    ((_, labels),) = list(data.val_dataloader())
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    for everything in (0, 18, 1000):
        data = _folders(root, evaluation_photos=everything, batch_size=100)
        assert len(next(iter(data.val_dataloader()))[1]) == 18


def test_cached_equals_uncached(make_photos: MakePhotos) -> None:
    root = make_photos()
    for split in ("train", "val"):
        batches = []
        for cache in (True, False):
            torch.manual_seed(3)
            data = _folders(root, crop="shifted", cache=cache)
            loader = data.train_dataloader if split == "train" else data.val_dataloader
            list(loader())  # fills the cache
            batches.append(torch.cat([images for images, _ in loader()]))
        assert torch.equal(*batches)


def test_cache__photos_are_opened_once_and_given_up_at_the_next_size(make_photos: MakePhotos) -> None:
    data = _folders(make_photos(), crop="shifted", cache=True)
    first, second = (cast("Any", data.train_dataloader().dataset).photos for _ in range(2))
    assert first is second
    assert data._photos("train", 16) is not first
    data.train_dataloader()
    assert [key for key in data._kept if key[0] == "train"] == [("train", 32)]


def test_cache__needs_the_moving_window() -> None:
    with pytest.raises(InvalidValueError, match=r"data\.cache"):
        _folders(Path(), cache=True, crop="resized")


@pytest.mark.parametrize("split", ["train", "val"])
def test_workers_give_the_same_photos(make_photos: MakePhotos, split: str) -> None:
    root, epochs = make_photos(), []
    for workers in (0, 2):
        torch.manual_seed(3)
        data = _folders(root, crop="shifted", workers=workers)
        loader = data.train_dataloader() if split == "train" else data.val_dataloader()
        epochs.append(torch.cat([images for images, _ in loader]))
    assert torch.equal(*epochs)


@pytest.mark.parametrize("split", ["train", "val"])
def test_devices_together_see_what_one_sees(make_photos: MakePhotos, split: str) -> None:
    """Step by step in training; each photo exactly once in validation, whatever their number."""
    root, seen = make_photos(train=5, val=3), list[Tensor]()
    for ranks in (1, 3):
        epochs = []
        for rank in range(ranks):
            torch.manual_seed(3)
            data = _folders(root, crop="shifted", batch_size=6 // ranks)
            data.trainer = cast("pl.Trainer", SimpleNamespace(current_epoch=0, global_rank=rank, world_size=ranks))
            loader = data.train_dataloader() if split == "train" else data.val_dataloader()
            epochs.append([images.flatten(1).double().sum(1) for images, _ in loader])
        steps = [torch.cat(step).sort().values for step in zip(*epochs, strict=True)]
        seen.append(torch.stack(steps) if split == "train" else torch.cat(steps).sort().values)
    assert torch.equal(*seen)


def test_missing_folder__says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match=r"nowhere.train.*--data\.root"):
        _ = _folders(tmp_path / "nowhere").facts
    with pytest.raises(MissingPathError, match=r"nowhere.train.*--data\.root"):
        _folders(tmp_path / "nowhere").train_dataloader()


def test_missing_val_folder(make_photos: MakePhotos) -> None:
    root = make_photos(val=0)
    data = _folders(root)
    shutil.rmtree(root / "val")
    data.train_dataloader()
    with pytest.raises(MissingPathError, match="val photos not found"):
        data.val_dataloader()


def test_text_file_named_jpg(make_photos: MakePhotos) -> None:
    root = make_photos()
    (root / "val" / "n01" / "broken.jpg").write_text("this is no photo")
    with pytest.raises(RnstError, match=r"broken\.jpg"):
        list(_folders(root, skip_broken=0).val_dataloader())


def test_classes__imagenets_own_labels_with_most_folders_missing(make_photos: MakePhotos) -> None:
    data = _folders(make_photos(("n03888257", "n01440764"), val=2), classes="imagenet")
    assert len(data.facts.class_names) == 1000
    ((_, labels),) = list(data.val_dataloader())
    assert labels.tolist() == [0, 0, 701, 701], "tench and parachute"


def test_classes__the_balanced_variant(make_photos: MakePhotos) -> None:
    lobster, agaric = RESTRICTED_IMAGENET_BALANCED["crab"][-1], RESTRICTED_IMAGENET_BALANCED["fungus"][0]
    other = RESTRICTED_IMAGENET["dog"][0]
    data = _folders(make_photos((lobster, agaric, other), val=1), classes="restricted_imagenet_balanced")
    ((_, labels),) = list(data.val_dataloader())
    assert [data.facts.class_names[label] for label in labels.tolist()] == ["crab", "fungus"]


def test_balanced__rare_classes_come_as_often(make_photos: MakePhotos) -> None:
    root = make_photos(("n01", "n02"), train=20)
    for path in sorted((root / "train" / "n02").iterdir())[2:]:
        path.unlink()
    shares = {}
    for balanced in (False, True):
        data = _folders(root, balanced=balanced, batch_size=1, image_size=8)
        labels = [int(label) for _ in range(4) for _, label in data.train_dataloader()]
        assert len(labels) == 4 * 22, "an epoch is as long as before"
        shares[balanced] = sum(labels) / len(labels)
    assert shares[False] == pytest.approx(2 / 22)
    assert shares[True] == pytest.approx(0.5, abs=0.2)


def _drawn(folder: Path, data: PhotoFolders) -> dict[str, list[tuple[Tensor, ...]]]:
    """Every batch that a training and its test receive."""
    got: dict[str, list[tuple[Tensor, ...]]] = {"train": [], "val": [], "test": []}

    class Watched(_Recorder):
        def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:  # noqa: ARG002 - a hook
            got["train"].append(batch)
            return self.weight.sum()

        def validation_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:  # noqa: ARG002 - a hook
            got["val"].append(batch)

        def test_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> None:  # noqa: ARG002 - a hook
            got["test"].append(batch)

    model, trainer = Watched(), _trainer(folder, max_epochs=2)
    trainer.fit(model, datamodule=data)
    trainer.test(model, datamodule=data, verbose=False)
    return got


@pytest.mark.parametrize(("teacher", "crop"), [(40, "resized"), (20, "shifted"), (32, "padded")])
def test_teacher_size__the_same_crop_at_two_sizes(
    make_photos: MakePhotos, tmp_path: Path, teacher: int, crop: str
) -> None:
    stages = [Stage(epochs=1, image_size=16), Stage(epochs=1, image_size=24)]
    data = _folders(make_photos(train=4, val=2), crop=crop, stages=stages, teacher_size=teacher)
    got = _drawn(tmp_path, data)
    assert [images.shape[-1] for images, _, _ in got["train"]] == [16] * 3 + [24] * 3
    assert [images.shape[-1] for images, _, _ in got["val"]] == [16] * 2 + [24] * 2
    assert [images.shape[-1] for images, _, _ in got["test"]] == [32] * 2, "the test is at the full size"
    for images, labels, seen_by_teacher in itertools.chain(*got.values()):
        assert seen_by_teacher.shape[-1] == teacher
        assert len(images) == len(labels) == len(seen_by_teacher)
        assert all(0.0 <= part.min() < part.max() <= 1.0 for part in (images, seen_by_teacher))
        large, small = sorted((images, seen_by_teacher), key=lambda part: part.shape[-1])[::-1]
        side = small.shape[-1]
        expected = F.interpolate(large, (side, side), mode="bilinear", antialias=True, align_corners=False)
        torch.testing.assert_close(small, expected.clamp(0.0, 1.0))


def test_views__a_batch_has_the_keys_of_its_crops(make_photos: MakePhotos, tmp_path: Path) -> None:
    """The same key in another epoch is the same crop, at whatever size; without a teacher, nothing has keys."""
    stages = [Stage(epochs=1, image_size=32), Stage(epochs=1, image_size=24)]
    options = {"crop": "resized", "stages": stages, "views": 1}
    root = make_photos(train=4)
    got = _drawn(tmp_path, _folders(root, teacher_size=40, **options))
    crops: dict[int, Tensor] = {}
    for *_, seen_by_teacher, keys in got["train"]:
        for key, crop in zip(keys.tolist(), seen_by_teacher, strict=True):
            assert torch.equal(crops.setdefault(key, crop), crop)
    assert (
        len(crops) == len({crop.sum() for crop in crops.values()}) == sum(len(batch[3]) for batch in got["train"]) / 2
    )
    assert {len(batch) for batch in got["val"] + got["test"]} == {3}
    assert {len(batch) for batch in _drawn(tmp_path / "plain", _folders(root, **options))["train"]} == {2}


@pytest.mark.parametrize("crop", ["resized", "shifted", "padded"])
def test_views__a_key_is_one_part_of_a_photo_in_all_stages(make_photos: MakePhotos, tmp_path: Path, crop: str) -> None:
    """Windows at a random place differ with the size of a stage, and a teacher keeps its labels by the key."""
    stages = [Stage(epochs=1, image_size=16), Stage(epochs=1, image_size=32)]
    root, ramp = make_photos(train=4, side=64), np.linspace(0, 255, 64).astype(np.uint8)
    for path in root.rglob("*.png"):
        Image.fromarray(np.stack(np.broadcast_arrays(ramp[None], ramp[:, None], 0), -1).astype(np.uint8)).save(path)
    data = _folders(root, crop=crop, stages=stages, views=1, teacher_size=16)
    seen: dict[int, list[Tensor]] = {}
    for *_, seen_by_teacher, keys in _drawn(tmp_path, data)["train"]:
        for key, image in zip(keys.tolist(), seen_by_teacher, strict=True):
            seen.setdefault(key, []).append(image)
    assert len(seen) == (12 if crop == "resized" else 24), "a teacher labels resized crops once"
    for first, *others in seen.values():
        assert all((first - other).abs().max() < 0.05 for other in others), "a color is a place in the photo"


def test_teacher_size__none_makes_no_third_part(make_photos: MakePhotos, tmp_path: Path) -> None:
    got = _drawn(tmp_path, _folders(make_photos()))
    assert {len(batch) for batch in itertools.chain(*got.values())} == {2}


def test_crop_area__is_the_smallest_share(make_photos: MakePhotos) -> None:
    root, whole = make_photos(("n01",), side=64), []
    for area in (1.0, 0.01):
        data = _folders(root, crop="resized", crop_area=area)
        photos = cast("Any", data.train_dataloader().dataset).photos
        window = next(part for part in photos._view.transform.transforms if hasattr(part, "scale"))
        whole.append(window.scale)
    assert whole == [(1.0, 1.0), (0.01, 1.0)]
    for wrong in (0.0, 1.5):
        with pytest.raises(InvalidValueError, match=r"data\.crop_area"):
            _folders(root, crop_area=wrong)


def test_several_roots__are_their_union(make_photos: MakePhotos, tmp_path: Path) -> None:
    """A class may be in one of them only, and val may be absent in one."""
    first = make_photos(("n01", "n02"), train=2, val=3).rename(tmp_path / "first")
    second = make_photos(("n02", "n03"), train=4, val=1).rename(tmp_path / "second")
    shutil.rmtree(second / "val")
    data = _folders(cast("Any", [str(first), str(second)]), batch_size=100)
    assert data.facts.class_names == ("n01", "n02", "n03")
    train, val = (cast("Any", data._photos(split, 32)) for split in ("train", "val"))
    assert set(train.paths) == {path for root in (first, second) for path in (root / "train").rglob("*.png")}
    assert set(val.paths) == set((first / "val").rglob("*.png"))
    for photos in (train, val):
        assert [data.facts.class_names[label] for label in photos.labels] == [p.parent.name for p in photos.paths]


def test_root__what_does_not_go_together(tmp_path: Path) -> None:
    two: Any = [str(tmp_path), str(tmp_path)]
    wrong: list[Any] = [{"root": two, "source": "cifar10"}, {"root": []}, {"root": two, "source": "streamed"}]
    for options in wrong:
        with pytest.raises(InvalidValueError, match=r"data\.root"):
            PhotoFolders(**options)
    with pytest.raises(InvalidValueError, match=r"data\.classes"):
        PhotoFolders(tmp_path, source="cifar10", classes="none")
