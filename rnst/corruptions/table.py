"""The fifteen common corruptions of photos, each in five severities (Hendrycks and Dietterich 2019).

Severities are those of the authors' program for ImageNet-C, defined for photos of 224 pixels; the severities of the
elastic transform come from its successor (Michaelis et al. 2019), where they grow evenly. All randomness follows from a
seed and does not depend on the severity. For Gaussian noise and frost this gives a photo the same pattern at each
severity, only stronger; for the others the pattern itself may change, as the counts of shot noise and the flakes do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.corruptions.blur import defocus_blur, glass_blur, motion_blur, zoom_blur
from rnst.corruptions.digital import contrast, elastic_transform, jpeg_compression, pixelate
from rnst.corruptions.names import SEVERITIES
from rnst.corruptions.noise import gaussian_noise, impulse_noise, shot_noise
from rnst.corruptions.weather import brightness, fog, frost, snow
from rnst.errors import InvalidValueError, UnknownNameError

_WHITE = 255.0


@dataclass(frozen=True)
class Corruption:
    """One kind of corruption.

    Attributes:
        group: noise, blur, weather or digital.
        apply: takes (3, H, W) float32 in [0, 1], a generator, and the parameters of a severity.
        levels: the parameters of each severity.
    """

    group: str
    apply: Callable[..., Tensor]
    levels: tuple[tuple[float, ...], ...]


CORRUPTIONS = {
    "gaussian_noise": Corruption("noise", gaussian_noise, ((0.08,), (0.12,), (0.18,), (0.26,), (0.38,))),
    "shot_noise": Corruption("noise", shot_noise, ((60,), (25,), (12,), (5,), (3,))),
    "impulse_noise": Corruption("noise", impulse_noise, ((0.03,), (0.06,), (0.09,), (0.17,), (0.27,))),
    "defocus_blur": Corruption("blur", defocus_blur, ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))),
    "glass_blur": Corruption("blur", glass_blur, ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))),
    "motion_blur": Corruption("blur", motion_blur, ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))),
    "zoom_blur": Corruption("blur", zoom_blur, ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))),
    "snow": Corruption(
        "weather",
        snow,
        (
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
            (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ),
    ),
    "frost": Corruption("weather", frost, ((1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))),
    "fog": Corruption("weather", fog, ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))),
    "brightness": Corruption("weather", brightness, ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,))),
    "contrast": Corruption("digital", contrast, ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,))),
    "elastic_transform": Corruption("digital", elastic_transform, ((12.5,), (16.25,), (21.25,), (25.0,), (30.0,))),
    "pixelate": Corruption("digital", pixelate, ((0.6,), (0.5,), (0.4,), (0.3,), (0.25,))),
    "jpeg_compression": Corruption("digital", jpeg_compression, ((25,), (18,), (15,), (10,), (7,))),
}


def corrupted(photo: Tensor, name: str, severity: int, seed: int) -> Tensor:
    """Corrupt a photo.

    Args:
        photo: (3, H, W) uint8.
        name: one of CORRUPTIONS.
        severity: 1 to 5.
        seed: seed of all randomness; one for each photo.

    Returns:
        (3, H, W) uint8, rounded.

    Raises:
        UnknownNameError: there is no such corruption.
        InvalidValueError: there is no such severity.
    """
    if name not in CORRUPTIONS:
        raise UnknownNameError("corruption", name, CORRUPTIONS)
    if severity not in SEVERITIES:
        raise InvalidValueError("severity", severity, "1 to 5")
    corruption = CORRUPTIONS[name]
    draw = torch.Generator().manual_seed(seed)
    picture = corruption.apply(photo.float() / _WHITE, draw, *corruption.levels[severity - 1])
    return (picture.clamp(0.0, 1.0) * _WHITE).round().to(torch.uint8)
