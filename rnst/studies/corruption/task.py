"""Count the correct predictions of several networks for all versions of all photos, in one pass over the photos."""

from collections.abc import Mapping

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CorruptionTest(pl.LightningModule):
    """Module for `Trainer.test`. Every network receives the same versions, each at its own size.

    Args:
        classifiers: name -> images (N, 3, H, W) in [0, 1] to logits (N, K), in eval mode.
        sizes: name -> side in pixels of the images that the network was trained on.
    """

    def __init__(self, classifiers: Mapping[str, nn.Module], sizes: Mapping[str, int]) -> None:
        super().__init__()
        self._names = list(classifiers)
        self._classifiers = nn.ModuleList(classifiers.values())
        self._sizes = dict(sizes)
        self._found: dict[str, list[Tensor]] = {name: [] for name in self._names}

    @property
    def right(self) -> dict[str, Tensor]:
        """Name -> correctness (photos, versions) bool."""
        return {name: torch.cat(found) for name, found in self._found.items()}

    @property
    def seen(self) -> int:
        """Number of photos so far."""
        return sum(map(len, self._found[self._names[0]]))

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:  # noqa: ARG002 - a hook
        """Test versions (N, V, 3, S, S) uint8 with labels (N,)."""
        versions, labels = batch
        images = versions.flatten(0, 1).to(torch.float32, memory_format=torch.channels_last).div_(255.0)
        for name, classifier in zip(self._names, self._classifiers, strict=True):
            answers = classifier(_at_size(images, self._sizes[name])).argmax(1).view(len(labels), -1)
            self._found[name].append((answers == labels[:, None]).cpu())


def _at_size(images: Tensor, size: int) -> Tensor:
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
