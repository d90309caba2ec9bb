"""Crops, flips and color changes of uint8 photos."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.transforms import v2

Transform = Callable[[Tensor], Tensor]
Crop = Literal["resized", "shifted", "padded", "whole"]

CROP_AREA = 0.08  # smallest share of a photo's area in a random resized crop, the convention on ImageNet

# Margins around the center crop: 256/224 is the convention on ImageNet; shifted training crops have a larger one.
_EVALUATION_MARGIN = 256 / 224
_SHIFT_MARGIN = 1.25
_PADDING = 1 / 8  # 4 pixels of CIFAR's 32, the convention there
_JITTER = 0.1
# Principal colors of ImageNet's pixels and their spread (Krizhevsky et al. 2012, section 4.1), values in [0, 1].
_COLOR_SPREAD = (0.2175, 0.0188, 0.0045)
_PRINCIPAL_COLORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))
_LIGHT = 0.05  # standard deviation along each principal color, in units of its spread


def training_side(image_size: int, crop: Crop) -> int | None:
    """Shorter side in pixels to which a photo is resized before the training crop; None keeps its size."""
    if crop == "resized":
        return None
    return round(image_size * _SHIFT_MARGIN) if crop == "shifted" else image_size


def evaluation_side(image_size: int, crop: Crop) -> int:
    """Shorter side in pixels to which a photo is resized before the center crop."""
    return image_size if crop in {"padded", "whole"} else round(image_size * _EVALUATION_MARGIN)


def training_transform(image_size: int, crop: Crop, *, jitter: bool = False, crop_area: float = CROP_AREA) -> Transform:
    """Random square crops of `image_size` pixels, with horizontal flips.

    Args:
        image_size: side of the crop.
        crop: "resized" takes a part of the area and rescales it (the ImageNet recipe); "shifted" takes a window at a
            random place; "padded" takes a window at a random place of the photo with a black border of an eighth (the
            CIFAR recipe); "whole" changes nothing, and does not flip.
        jitter: also vary brightness, contrast, saturation and lighting, as the `robustness` library does on ImageNet.
        crop_area: smallest share of the photo's area that "resized" takes, in (0, 1].
    """
    if crop == "whole":
        return evaluation_transform(image_size)
    window: Transform = v2.RandomCrop(image_size, pad_if_needed=True)
    if crop == "resized":
        window = v2.RandomResizedCrop(image_size, scale=(crop_area, 1.0), antialias=True)
    elif crop == "padded":
        window = v2.RandomCrop(image_size, padding=round(image_size * _PADDING), pad_if_needed=True)
    colors = [v2.ColorJitter(_JITTER, _JITTER, _JITTER), Lighting()] if jitter else []
    transform: Transform = v2.Compose([window, v2.RandomHorizontalFlip(), *colors])
    return transform


def evaluation_transform(image_size: int) -> Transform:
    """The center crop of `image_size` x `image_size` pixels."""
    transform: Transform = v2.CenterCrop(image_size)
    return transform


class Lighting(nn.Module):
    """Add a random mixture of ImageNet's principal colors to the whole photo (Krizhevsky et al. 2012, section 4.1)."""

    def forward(self, photo: Tensor) -> Tensor:
        """Photo (3, H, W) uint8 to a photo of the same shape and type, rounded and clamped."""
        shares = torch.randn(3) * _LIGHT * torch.tensor(_COLOR_SPREAD)
        shift = torch.tensor(_PRINCIPAL_COLORS) @ shares * 255.0
        return (photo + shift.view(3, 1, 1)).round_().clamp_(0.0, 255.0).to(torch.uint8)
