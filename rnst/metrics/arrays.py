"""Checked pictures on the CPU, as tensors or as NumPy arrays, for the metrics."""

from typing import Any

import numpy as np
import torch
from skimage.color import rgb2gray
from torch import Tensor

from rnst.errors import InvalidValueError

Array = np.ndarray[Any, np.dtype[np.float64]]


def checked(image: Tensor, smallest: int = 1) -> Tensor:
    """One picture as float32 on the CPU, detached, so that a metric gives the same number on every device.

    Args:
        image: (1, 3, H, W) in [0, 1].
        smallest: least height and width in px.

    Returns:
        (1, 3, H, W) float32.

    Raises:
        InvalidValueError: the shape is wrong, the picture too small, or a value NaN or infinite.
    """
    if image.dim() != 4 or image.shape[:2] != (1, 3) or min(image.shape[2:]) < smallest:  # noqa: PLR2004 a rank
        wanted = f"a tensor (1, 3, H, W) with both sides at least {smallest} px"
        raise InvalidValueError("shape of the picture", tuple(image.shape), wanted)
    picture = image.detach().to("cpu", torch.float32)
    if not bool(picture.isfinite().all()):
        raise InvalidValueError("picture", "partly NaN or infinite", "finite everywhere")
    return picture


def to_array(image: Tensor, smallest: int = 1) -> Array:
    """(1, 3, H, W) in [0, 1] to (H, W, 3) float64, checked by `checked`."""
    return checked(image, smallest)[0].permute(1, 2, 0).double().numpy()


def luminance(image: Tensor, smallest: int = 1) -> Array:
    """(1, 3, H, W) in [0, 1] to (H, W) float64 in [0, 1], with the Rec. 709 weights of scikit-image."""
    gray: Array = rgb2gray(to_array(image, smallest))
    return gray
