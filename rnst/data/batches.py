"""What data modules share: an even choice of photos, and floats made on the device."""

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from rnst.data.photos import LabeledPhotos

Sample = tuple[Tensor, int]
Batch = tuple[Tensor, Tensor]


def evenly(photos: LabeledPhotos, count: int) -> Subset[Sample]:
    """So many of `photos`, evenly spread over the classes; 0 or too large a count means all."""
    numbers = torch.arange(len(photos))
    if 0 < count < len(photos):
        # An even stride through photos sorted by class takes the same share of each.
        by_class = torch.tensor(photos.labels).sort(stable=True).indices
        numbers = by_class[torch.linspace(0, len(photos) - 1, count).long()].sort().values
    dataset: Dataset[Sample] = photos
    return Subset(dataset, numbers.tolist())


def in_floats(batch: list[Tensor]) -> Batch:
    """Images (N, 3, S, S) uint8 and labels to float32 in [0, 1], channels last, on the device where they are."""
    images, labels = batch
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255.0), labels
