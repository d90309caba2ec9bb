"""What data modules share: an even choice of photos, and floats made on the device."""

import torch
from torch import Tensor
from torch.nn import functional as F
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


def with_teacher_images(batch: Batch, size: int, teacher_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same crops at two sizes: a batch of a student (images, labels), and the images that its teacher receives.

    Args:
        batch: images (N, 3, S, S) in [0, 1] and labels; S is the larger one of the two sizes.
        size: side of the student's images, in pixels.
        teacher_size: side of the teacher's images, in pixels.
    """
    images, labels = batch
    return _resized(images, size), labels, _resized(images, teacher_size)


def _resized(images: Tensor, size: int) -> Tensor:
    if images.shape[-1] == size:
        return images
    small = F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return small.clamp_(0.0, 1.0).contiguous(memory_format=torch.channels_last)


def in_floats(batch: list[Tensor]) -> Batch:
    """Images (N, 3, S, S) uint8 and labels to float32 in [0, 1], channels last, on the device where they are."""
    images, labels = batch
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255.0), labels
