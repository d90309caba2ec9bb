"""Photos for evaluations: one split at one size, evenly spread over the classes."""

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from rnst.data.batches import Batch, Sample, evenly, in_floats, without_broken
from rnst.data.broken import BrokenPhotos, report_of
from rnst.data.crops import Crop, evaluation_side, evaluation_transform
from rnst.data.order import ShardSampler
from rnst.data.photos import Preprocessing
from rnst.data.sources import Source, Split


class EvaluationPhotos(pl.LightningDataModule):
    """Center crops without augmentation; every photo is used exactly once by any number of devices.

    Args:
        source: photos and labels.
        split: split of the source.
        image_size: side of the square images in pixels.
        crop: "padded" or "whole" if photos have the image size already; the others cut a margin off.
        photos: number of photos, evenly spread over the classes; 0 means all.
        batch_size: images of one step on one device.
        workers: worker processes that decode; 0 decodes in the main process.
        skip_broken: most photos that may be unreadable. They are left out.
    """

    def __init__(  # noqa: PLR0913 - keywords
        self,
        source: Source,
        *,
        split: Split,
        image_size: int,
        crop: Crop,
        photos: int,
        batch_size: int,
        workers: int,
        skip_broken: int = 0,
    ) -> None:
        super().__init__()
        self._batch_size, self._workers, self._split = batch_size, workers, split
        self._broken = BrokenPhotos(skip_broken)
        view = Preprocessing(evaluation_side(image_size, crop), evaluation_transform(image_size), broken=self._broken)
        self._opened = source.open(split, view)
        self.chosen: Subset[Sample] = evenly(self._opened, photos)

    def test_dataloader(self) -> DataLoader[Sample]:
        """The photos of this device."""
        trainer = self.trainer
        rank, ranks = (trainer.global_rank, trainer.world_size) if trainer is not None else (0, 1)
        return DataLoader(
            self.chosen,
            batch_size=self._batch_size,
            sampler=ShardSampler(len(self.chosen), rank, ranks),
            num_workers=self._workers,
            pin_memory=torch.cuda.is_available(),
        )

    def on_after_batch_transfer(self, batch: list[Tensor], dataloader_idx: int) -> Batch:  # noqa: ARG002 - a hook
        """Bytes to float32 in [0, 1], on the device, without the unreadable photos; it may become empty."""
        return in_floats(without_broken(batch))

    def skipped(self) -> str:
        """A line about the photos that were left out; empty if there were none."""
        names = [self._opened.name_of(index) for index in self._broken.indices]
        return report_of(self._split, names) if names else ""
