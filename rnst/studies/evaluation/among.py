"""A classifier that decides among some of its classes."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Among(nn.Module):
    """The logits of some classes.

    Args:
        classifier: images (N, 3, H, W) in [0, 1] to logits (N, K).
        classes: indices of the logits that remain, in the order of the new labels.
    """

    classes: Tensor

    def __init__(self, classifier: nn.Module, classes: Sequence[int]) -> None:
        super().__init__()
        self.classifier = classifier
        self.register_buffer("classes", torch.tensor(classes))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, number of the remaining classes) of images (N, 3, H, W) in [0, 1]."""
        logits: Tensor = self.classifier(images)
        return logits.index_select(1, self.classes)
