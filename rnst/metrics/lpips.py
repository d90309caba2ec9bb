"""Learned perceptual distance to the content (Zhang et al. 2018); optional, because its network is downloaded."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

from rnst.errors import RnstError
from rnst.metrics.arrays import checked

SMALLEST_SIDE = 64  # px; below, the deepest layers of AlexNet have no extent left


class NoLpipsError(RnstError):
    """The network of LPIPS is not available."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"LPIPS needs torchvision's AlexNet weights, which could not be downloaded: {reason}. "
            "Leave out --lpips, or try again with a network."
        )


@cache
def lpips_network() -> LearnedPerceptualImagePatchSimilarity:
    """Torchmetrics' LPIPS over AlexNet, loaded once.

    Raises:
        NoLpipsError: the weights are neither cached nor downloadable.
    """
    try:
        return LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)
    except OSError as error:
        raise NoLpipsError(str(getattr(error, "reason", error))) from error


@torch.no_grad()
def lpips(image: Tensor, content: Tensor) -> float:
    """Perceptual distance of a picture to its content under a trained AlexNet.

    A trained network may favor related encoders: use the metric next to the style distance, never alone to rank them.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 64 px.
        content: (1, 3, H', W') in [0, 1]; resized to the picture.

    Returns:
        0 or more, in practice below 1; lower is closer, 0 is equal.
    """
    picture, photo = checked(image, SMALLEST_SIDE), checked(content)
    if photo.shape != picture.shape:
        photo = F.interpolate(photo, size=picture.shape[-2:], mode="bicubic", antialias=True)
    network = lpips_network()
    distance = network(picture.clamp(0.0, 1.0), photo.clamp(0.0, 1.0))
    network.reset()
    return float(distance)
