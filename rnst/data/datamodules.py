"""Data modules: from a folder on disk to batches of (images in [0, 1], labels) on the device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from rnst.data.order import Epoch, EpochLoader, Share, derived_seed, shuffled
from rnst.data.photos import Photos, evaluation_transform, list_photos, training_transform
from rnst.data.restricted_imagenet import RESTRICTED_IMAGENET
from rnst.errors import InvalidValueError, MissingPathError

_Sample = tuple[Tensor, int]
_Batch = tuple[Tensor, Tensor]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Margins around the middle crop: 256/224 is ImageNet's custom; training windows move a little more.
_EVALUATION_MARGIN = 256 / 224
_SHIFT_MARGIN = 1.25


@dataclass(frozen=True)
class DataFacts:
    """What a classifier must know of its data, and what its weight file records.

    Attributes:
        name: name of the data set.
        class_names: one name for each label.
        image_size: side of the square images, in pixels, at which radii are stated.
        mean: of each channel of images in [0, 1].
        std: of each channel.
    """

    name: str
    class_names: tuple[str, ...]
    image_size: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


@dataclass(frozen=True)
class Stage:
    """A part of the training at its own image size. Early epochs at small sizes are cheap.

    Attributes:
        epochs: how long it lasts.
        image_size: side in pixels.
    """

    epochs: int
    image_size: int


class PhotoFolders(pl.LightningDataModule):
    """Photos in `root/train/CLASS/` and `root/val/CLASS/`.

    Args:
        root: folder with train and val.
        name: recorded in the weight file.
        classes: "folders" makes each subfolder a class; "restricted_imagenet" groups 203 WordNet ids into nine.
        image_size: side of the square images in pixels.
        stages: image sizes by epoch, first stages first; the last one goes on to the end. None: `image_size` all along.
        crop: "resized" (ImageNet's random resized crops) or "shifted" (a moving window, for small images).
        batch_size: images of one step on one device.
        workers: decoding processes; 0 decodes in the main process.
        cache: keep the reduced photos in memory (needs crop "shifted").
        evaluation_photos: validate on that many photos, evenly spread over the classes; 0 means all.
    """

    def __init__(  # noqa: PLR0913 - one flat list of options is what the command line and the YAML show
        self,
        root: Path,
        *,
        name: str = "restricted_imagenet",
        classes: Literal["folders", "restricted_imagenet"] = "restricted_imagenet",
        image_size: int = 224,
        stages: list[Stage] | None = None,
        crop: Literal["resized", "shifted"] = "resized",
        batch_size: int = 256,
        workers: int = 8,
        cache: bool = False,
        evaluation_photos: int = 0,
    ) -> None:
        super().__init__()
        if cache and crop == "resized":
            raise InvalidValueError("data.cache", cache, "false with data.crop=resized, which needs the full photos")
        if cache and workers:
            raise InvalidValueError(
                "data.workers", workers, "0 with data.cache=true: each worker would keep its own copy"
            )
        self.root = root
        self.name: str = name
        self.classes = classes
        self.image_size = image_size
        self.stages = list(stages or [])
        self.crop = crop
        self.batch_size = batch_size
        self.workers = workers
        self.cache = cache
        self.evaluation_photos = evaluation_photos
        self._seed = torch.initial_seed()
        self._kept: dict[tuple[str, int], Photos] = {}

    @property
    def facts(self) -> DataFacts:
        """Names, size and statistics, known before the first photo is opened."""
        return DataFacts(self.name, tuple(self._folders()), self.image_size)

    def size_at(self, epoch: int) -> int:
        """Side of the images in pixels at `epoch` (counted from 0)."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage.image_size
            epoch -= stage.epochs
        return self.stages[-1].image_size if self.stages else self.image_size

    def train_dataloader(self) -> EpochLoader:
        """Shuffled photos of the current stage. What is random in an epoch depends on the seed and the epoch alone."""
        photos = self._photos("train", self._size_now())
        seed = derived_seed(self._seed, self._epoch_now())
        epoch = Epoch(photos, shuffled(len(photos), seed), seed)
        return EpochLoader(epoch, self._share(len(epoch), even=True), **self._loading())

    def val_dataloader(self) -> DataLoader[_Sample]:
        """Photos that were never trained on, at the size of the current stage."""
        return self._loader(self._evaluation_subset(self._photos("val", self._size_now())))

    def test_dataloader(self) -> DataLoader[_Sample]:
        """The same photos at the final size."""
        return self._loader(self._evaluation_subset(self._photos("val", self.image_size)))

    def on_after_batch_transfer(self, batch: list[Tensor], dataloader_idx: int) -> _Batch:  # noqa: ARG002 - a hook
        """Bytes to float32 in [0, 1], channels last, on the device."""
        images, labels = batch
        return images.to(torch.float32, memory_format=torch.channels_last).div_(255.0), labels

    def _size_now(self) -> int:
        return self.size_at(self._epoch_now())

    def _epoch_now(self) -> int:
        return self.trainer.current_epoch if self.trainer is not None else 0

    def _folders(self) -> dict[str, tuple[str, ...]]:
        """Class name -> its subfolders."""
        if self.classes == "restricted_imagenet":
            return RESTRICTED_IMAGENET
        train = self.root / "train"
        if not train.is_dir():
            raise MissingPathError(train.absolute(), "training photos", _ADVICE)
        return {path.name: (path.name,) for path in sorted(train.iterdir()) if path.is_dir()}

    def _photos(self, split: Literal["train", "val"], size: int) -> Photos:
        """Photos of one split at one size; those of the last size used stay in memory, to be read once."""
        if (split, size) not in self._kept:
            self._kept = {key: kept for key, kept in self._kept.items() if key[0] != split}
            self._kept[split, size] = self._open(split, size)
        return self._kept[split, size]

    def _open(self, split: Literal["train", "val"], size: int) -> Photos:
        folder = self.root / split
        if not folder.is_dir():
            raise MissingPathError(folder.absolute(), f"{split} photos", _ADVICE)
        files = list_photos(folder, self._folders())
        if split == "val":
            return Photos(files, round(size * _EVALUATION_MARGIN), evaluation_transform(size), cache=self.cache)
        shorter_side = round(size * _SHIFT_MARGIN) if self.crop == "shifted" else None
        return Photos(files, shorter_side, training_transform(size, self.crop), cache=self.cache)

    def _evaluation_subset(self, photos: Photos) -> Photos | Subset[_Sample]:
        if not 0 < self.evaluation_photos < len(photos):
            return photos
        # The files are sorted by class, so an even stride takes the same share of each.
        chosen = torch.linspace(0, len(photos) - 1, self.evaluation_photos).long().tolist()
        return Subset(photos, chosen)

    def _loader(self, photos: Photos | Subset[_Sample]) -> DataLoader[_Sample]:
        return DataLoader(photos, sampler=self._share(len(photos)), **self._loading())

    def _share(self, length: int, *, even: bool = False) -> Share:
        if self.trainer is None:
            return Share(length, even=even)
        return Share(length, self.trainer.global_rank, self.trainer.world_size, even=even)

    def _loading(self) -> dict[str, Any]:
        return {
            "batch_size": self.batch_size,
            "num_workers": self.workers,
            "pin_memory": torch.cuda.is_available(),
        }


_ADVICE = (
    "Give --data.root the folder that holds train and val with one folder for each class; "
    "configs/train/imagenette.yaml trains on a set of 10 classes and says where it is published."
)
