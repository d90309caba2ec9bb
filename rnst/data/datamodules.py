"""Data modules: from a folder on disk to batches of (images in [0, 1], labels) on the device."""

from pathlib import Path
from typing import Any, get_args

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from rnst.data.batches import Batch, Sample, TeacherBatch, evenly, in_floats, with_teacher_images, without_broken
from rnst.data.broken import BrokenPhotos, report_of
from rnst.data.crops import CROP_AREA, Crop, evaluation_side, evaluation_transform, training_side, training_transform
from rnst.data.facts import DataFacts, Stage
from rnst.data.loading_limits import check_crops, check_loading, check_stages
from rnst.data.order import (
    EpochLoader,
    EpochPhotos,
    FixedViews,
    ShardSampler,
    balanced_order,
    derived_seed,
    shuffled,
)
from rnst.data.photos import LabeledPhotos, Preprocessing
from rnst.data.source_choice import SourceKind, choose_source
from rnst.data.sources import Classes, Source, Split


class PhotoFolders(pl.LightningDataModule):
    """Photos in `root/train/CLASS/` and `root/val/CLASS/`, or another published data set.

    Args:
        root: folder with train and val, or a list of such folders; for CIFAR-10 the folder of its archive, which is
            downloaded if it is missing; for "streamed" the output of `rnst pack`, on a disk or in a bucket (s3://,
            gs://, r2://).
        name: name of the data set, recorded in the weight file.
        source: "folders", "cifar10", or "streamed".
        classes: "folders" makes each subfolder a class; "restricted_imagenet" groups 203 WordNet ids into nine,
            "restricted_imagenet_balanced" 69 into fourteen; "imagenet" takes the 1000 classes in their standard order;
            "none" takes every photo in the tree without a label, for a training with model.teacher.
        image_size: side of the square images in pixels.
        stages: image sizes by epoch, first stages first; the last one lasts to the end. None: always `image_size`.
        crop: "resized" (ImageNet's random resized crops), "shifted" (random windows, for small images), "padded"
            (random windows over a black border, for photos that have the image size already, as CIFAR-10), or "whole"
            (such photos unchanged, without any augmentation).
        crop_area: smallest share of the photo's area that crop "resized" takes, in (0, 1].
        jitter: also vary brightness, contrast, saturation and lighting a little.
        views: number of fixed random crops of each photo, used in turn, an epoch each, so that a teacher labels each
            once (Shen and Xing 2022, "A fast knowledge distillation framework"); 0 makes new crops in every epoch.
        balanced: draw every class equally often, with replacement, however many photos it has.
        batch_size: images of one step on one device.
        workers: worker processes that decode; 0 decodes in the main process.
        cache: keep the resized photos in memory (needs crop "shifted" or "padded").
        evaluation_photos: number of validation photos, evenly spread over the classes; 0 means all.
        skip_broken: most photos of a split that may be unreadable. They are skipped and listed at the end; in the
            training, the next photo takes their place. One more ends the training.
        validation_photos: number of these during the training; 0 means as many as at its end.
        teacher_size: side in pixels of the unattacked copy of each crop that a teacher receives; 0 makes none. The
            command line sets it from model.teacher.
    """

    def __init__(  # noqa: PLR0913 - one flat list of options is what the command line and the YAML show
        self,
        root: str | Path | list[str],  # str before Path: a Path would turn s3:// into s3:/
        *,
        name: str = "restricted_imagenet",
        source: SourceKind = "folders",
        classes: Classes = "restricted_imagenet",
        image_size: int = 224,
        stages: list[Stage] | None = None,
        crop: Crop = "resized",
        crop_area: float = CROP_AREA,
        jitter: bool = False,
        views: int = 0,
        balanced: bool = False,
        batch_size: int = 256,
        workers: int = 8,
        cache: bool = False,
        evaluation_photos: int = 0,
        skip_broken: int = 10,
        validation_photos: int = 0,
        teacher_size: int = 0,
    ) -> None:
        super().__init__()
        counts = {"skip_broken": skip_broken, "evaluation_photos": evaluation_photos, "views": views}
        counts["validation_photos"] = validation_photos
        check_loading(batch_size=batch_size, workers=workers, **counts)
        check_stages([(image_size, 1), *((stage.image_size, stage.epochs) for stage in stages or ())])
        check_crops(crop, crop_area, workers, cache=cache)
        self.root = root
        self.name: str = name
        self.source: Source = choose_source(source, root, classes)
        self.image_size = image_size
        self.stages = list(stages or [])
        self.crop: Crop = crop
        self.crop_area = crop_area
        self.jitter = jitter
        self.views = views
        self.balanced = balanced
        self.batch_size = batch_size
        self.workers = workers
        self.cache = cache
        self.evaluation_photos = evaluation_photos
        self.validation_photos = validation_photos
        self.teacher_size = teacher_size
        self._broken = {split: BrokenPhotos(skip_broken) for split in get_args(Split)}
        self._seed = torch.initial_seed()
        self._kept: dict[tuple[str, int], LabeledPhotos] = {}
        self._loader_in_use: EpochLoader | None = None
        self._stopped_at: dict[str, int] = {}

    @property
    def facts(self) -> DataFacts:
        """Names, size and statistics, known before any photo is opened."""
        source = self.source
        return DataFacts(self.name, source.class_names, self.image_size, source.mean, source.std, self.crop)

    def prepare_data(self) -> None:
        """Download missing data; Lightning calls this in one process of each machine."""
        self.source.prepare()

    def size_at(self, epoch: int) -> int:
        """Side of the images in pixels at `epoch` (counted from 0)."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage.image_size
            epoch -= stage.epochs
        return self.stages[-1].image_size if self.stages else self.image_size

    def train_dataloader(self) -> EpochLoader:
        """Shuffled photos of the current stage. The randomness of an epoch depends on the seed and the epoch alone."""
        photos = self._photos("train", self._size_now())
        seed = derived_seed(self._seed, self._epoch_now())
        order = balanced_order(photos.labels, seed) if self.balanced else shuffled(len(photos), seed)
        epoch = EpochPhotos(photos, order, seed, self._views())
        self._loader_in_use = EpochLoader(epoch, self._share(len(epoch), even=True), **self._loading())
        self._loader_in_use.go_on_within(self._stopped_at)
        return self._loader_in_use

    def state_dict(self) -> dict[str, int]:
        """The position within the epoch.

        Lightning saves the state of loaders too, but does not restore it into the loader of the first epoch, which it
        opens early to count the steps of a schedule.
        """
        return self._loader_in_use.state_dict() if self._loader_in_use is not None else {}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Continue within an epoch."""
        self._stopped_at = state_dict

    def val_dataloader(self) -> DataLoader[Sample]:
        """Validation photos at the size of the current stage."""
        return self._loader(
            evenly(self._photos("val", self._size_now()), self.validation_photos or self.evaluation_photos)
        )

    def test_dataloader(self) -> DataLoader[Sample]:
        """Validation photos at the final size."""
        return self._loader(evenly(self._photos("val", self.image_size), self.evaluation_photos))

    def on_before_batch_transfer(self, batch: list[Tensor], dataloader_idx: int) -> list[Tensor]:  # noqa: ARG002 - a hook
        """Leave out what is in the places of unreadable photos."""
        return without_broken(batch)

    def on_after_batch_transfer(
        self,
        batch: list[Tensor],
        dataloader_idx: int,  # noqa: ARG002 - a hook
    ) -> Batch | TeacherBatch:
        """Bytes to float32 in [0, 1], channels last, on the device; with a teacher, its images are the third item.

        With fixed views, the keys of the crops (N,) are the fourth item.
        """
        if not self.teacher_size:
            return in_floats(batch)
        is_test = self.trainer is not None and self.trainer.testing
        size = self.image_size if is_test else self._size_now()
        return *with_teacher_images(in_floats(batch), size, self.teacher_size), *batch[2:]

    def check(self) -> list[str]:
        """Warnings about the classes and folders of the photos, before any is opened.

        Raises:
            ClassesError: they cannot be learned or measured.
        """
        return self.source.check(self._photos("train", self._size_now()), self._photos("val", self._size_now()))

    def skipped(self) -> list[str]:
        """A line for each split with unreadable photos that were skipped so far."""
        kept = {split: photos for (split, _), photos in self._kept.items()}
        found = {split: broken.indices for split, broken in self._broken.items()}
        return [
            report_of(split, [kept[split].name_of(index) for index in indices])
            for split, indices in found.items()
            if indices and split in kept
        ]

    def _size_now(self) -> int:
        return self.size_at(self._epoch_now())

    def _epoch_now(self) -> int:
        return self.trainer.current_epoch if self.trainer is not None else 0

    def _views(self) -> FixedViews | None:
        """The crops of the current epoch; None if every epoch has new ones."""
        if not self.views:
            return None
        # Only resized crops show the same part of a photo at every size: a teacher labels them once for all stages.
        size = 0 if self.crop == "resized" else self._loaded(self._size_now())
        return FixedViews(self.views, self._epoch_now() % self.views, derived_seed(self._seed, -1), size)

    def _photos(self, split: Split, size: int) -> LabeledPhotos:
        """Photos of one split at one size; those of the last size stay in memory, so that they are read once."""
        if (split, size) not in self._kept:
            self._kept = {key: kept for key, kept in self._kept.items() if key[0] != split}
            self._kept[split, size] = self.source.open(split, self._view(split, size))
        return self._kept[split, size]

    def _view(self, split: Split, size: int) -> Preprocessing:
        size = self._loaded(size)
        if split == "val":
            evaluated = evaluation_side(size, self.crop)
            return Preprocessing(evaluated, evaluation_transform(size), self.cache, self._broken[split])
        transform = training_transform(size, self.crop, jitter=self.jitter, crop_area=self.crop_area)
        side = training_side(size, self.crop)
        return Preprocessing(side, transform, self.cache, self._broken[split], replaces=True)

    def _loaded(self, size: int) -> int:
        """Side of the crops of which student and teacher receive their images, in pixels."""
        return max(size, self.teacher_size)

    def _loader(self, photos: Subset[Sample]) -> DataLoader[Sample]:
        return DataLoader(photos, sampler=self._share(len(photos)), **self._loading())

    def _share(self, length: int, *, even: bool = False) -> ShardSampler:
        if self.trainer is None:
            return ShardSampler(length, even=even)
        return ShardSampler(length, self.trainer.global_rank, self.trainer.world_size, even=even)

    def _loading(self) -> dict[str, Any]:
        return {
            "batch_size": self.batch_size,
            "num_workers": self.workers,
            "pin_memory": torch.cuda.is_available(),
        }
