"""Steps that data modules share: class-balanced subsets, images for a teacher, bytes to floats on the device."""

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset, Subset

from rnst.data.broken import BROKEN
from rnst.data.photos import LabeledPhotos

Sample = tuple[Tensor, int]
Batch = tuple[Tensor, Tensor]
TeacherBatch = tuple[Tensor, ...]  # images, labels, the teacher's images, and with fixed views the keys of the crops


def evenly(photos: LabeledPhotos, count: int) -> Subset[Sample]:
    """`count` photos, evenly spread over the classes; 0, or more than there are, selects all."""
    numbers = torch.arange(len(photos))
    if 0 < count < len(photos):
        # An even stride through photos sorted by class takes the same share of each.
        by_class = torch.tensor(photos.labels).sort(stable=True).indices
        places = torch.arange(count) * (len(photos) - 1) // max(1, count - 1)  # in integers, so that none comes twice
        numbers = by_class[places].sort().values
    dataset: Dataset[Sample] = photos
    return Subset(dataset, numbers.tolist())


def with_teacher_images(batch: Batch, size: int, teacher_size: int) -> TeacherBatch:
    """The same crops at two sizes: a batch of the student (images, labels), and the images of its teacher.

    Args:
        batch: images (N, 3, S, S) in [0, 1] and labels; S is the larger of the two sizes.
        size: side of the student's images in pixels.
        teacher_size: side of the teacher's images in pixels.
    """
    images, labels = batch
    return _resized(images, size), labels, _resized(images, teacher_size)


def _resized(images: Tensor, size: int) -> Tensor:
    if images.shape[-1] == size:
        return images
    small = F.interpolate(images, (size, size), mode="bilinear", antialias=True, align_corners=False)
    return small.clamp_(0.0, 1.0).contiguous(memory_format=torch.channels_last)


def without_broken(batch: list[Tensor]) -> list[Tensor]:
    """A batch of images and labels without the samples in the places of unreadable photos; it may become empty."""
    readable = batch[1] != BROKEN
    return batch if bool(readable.all()) else [part[readable] for part in batch]


def in_floats(batch: list[Tensor]) -> Batch:
    """Images (N, 3, S, S) uint8 and labels to float32 images in [0, 1], channels last, on the device of the batch."""
    images, labels = batch[:2]
    return images.to(torch.float32, memory_format=torch.channels_last).div_(255.0), labels
