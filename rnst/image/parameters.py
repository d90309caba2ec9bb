"""Image parametrizations: the parameters that an optimizer updates, and the map from parameters to an image."""

import math
from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from rnst.image.color import ImageColor, PlainColor


class ImageParameter(nn.Module, ABC):
    """An image as parameters, which stay contiguous float32 as L-BFGS requires."""

    @classmethod
    @abstractmethod
    def from_image(cls, image: Tensor, *, color: ImageColor | None = None) -> Self:
        """Parameters of `image`, (1, 3, H, W) in [0, 1], with the color map `color`; None means `PlainColor`."""

    @abstractmethod
    def forward(self) -> Tensor:
        """The image, (1, 3, H, W) in [0, 1]."""


class PixelImage(ImageParameter):
    """Each pixel is a parameter, kept in range by the color map.

    A clamp after each step would change the parameters without updating the optimizer's state: L-BFGS with a line
    search then makes no progress.

    Args:
        channels: (1, 3, H, W), unbounded.
        color: from channels to RGB.
    """

    def __init__(self, channels: Tensor, color: ImageColor) -> None:
        super().__init__()
        self.color = color
        self.channels = nn.Parameter(channels.detach().clone().contiguous().float())

    @classmethod
    def from_image(cls, image: Tensor, *, color: ImageColor | None = None) -> Self:
        """Parameters of `image`, (1, 3, H, W) in [0, 1], with its values clamped to [0.001, 0.999]."""
        color = (color or PlainColor()).to(image.device)
        return cls(color.from_rgb(image), color)

    def forward(self) -> Tensor:
        """The image, (1, 3, H, W) in [0, 1]."""
        return self.color.to_rgb(self.channels)


class ClampedImage(ImageParameter):
    """Each pixel is a parameter that each forward pass clamps to [0, 1].

    The clamp does not update the optimizer's state, which is then wrong at black and white. Most style transfer
    programs do this; the class exists for comparison with them. `PixelImage` gives better results.

    Args:
        image: (1, 3, H, W).
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(image.detach().clone().contiguous().float())

    @classmethod
    def from_image(cls, image: Tensor, *, color: ImageColor | None = None) -> Self:  # noqa: ARG003 - RGB alone
        """Parameters of `image`, (1, 3, H, W) in [0, 1]."""
        return cls(image)

    def forward(self) -> Tensor:
        """The image, (1, 3, H, W) in [0, 1]."""
        with torch.no_grad():
            self.pixels.clamp_(0.0, 1.0)
        return self.pixels * 1.0  # a copy, so that later updates do not change it


class FourierImage(ImageParameter):
    """The spectrum of the image, scaled so that a step changes low frequencies more than high ones.

    The scale f ** -decay acts as a preconditioner: it changes which solution the optimizer finds first, not which
    images exist. The parametrization is that of lucid (Mordvintsev et al. 2018, "Differentiable image
    parameterizations"), which uses decay 1, the decay of natural images. In style transfer, decay 1 hardly produces
    brush strokes; decays of 0.25 to 0.5 produce them and still suppress pixel noise. A corner, above which the scale
    falls by one more power, compensates for total variation, whose curvature grows with the square of the frequency.

    Args:
        spectrum: (1, 3, H, W // 2 + 1, 2): real and imaginary part, divided by the scale.
        size: height and width of the image.
        decay: exponent of the scale.
        color: from channels to RGB.
        corner: of the scale, in cycles per pixel.
    """

    scale: Tensor

    def __init__(
        self, spectrum: Tensor, size: tuple[int, int], decay: float, color: ImageColor, corner: float = math.inf
    ) -> None:
        super().__init__()
        self.size = size
        self.color = color
        self.register_buffer("scale", frequency_scale(size, decay, corner), persistent=False)
        self.spectrum = nn.Parameter(spectrum.detach().clone().contiguous().float())

    @classmethod
    def from_image(
        cls, image: Tensor, decay: float = 0.5, corner: float = math.inf, *, color: ImageColor | None = None
    ) -> Self:
        """Parameters of `image`, (1, 3, H, W) in [0, 1], with its values clamped to [0.001, 0.999]."""
        size = (image.shape[-2], image.shape[-1])
        color = (color or PlainColor()).to(image.device)
        channels = color.from_rgb(image)
        spectrum = torch.view_as_real(torch.fft.rfft2(channels, norm="ortho"))
        return cls(spectrum / frequency_scale(size, decay, corner).to(image.device), size, decay, color, corner)

    def forward(self) -> Tensor:
        """The image, (1, 3, H, W) in [0, 1]."""
        scaled = torch.view_as_complex(self.spectrum * self.scale)
        return self.color.to_rgb(torch.fft.irfft2(scaled, s=self.size, norm="ortho"))


def frequency_scale(size: tuple[int, int], decay: float, corner: float = math.inf) -> Tensor:
    """Frequency ** -decay, and far above the corner ** -(decay + 1); frequency 0 gets the scale of the lowest one.

    Args:
        size: height and width of an image.
        decay: 0 or more.
        corner: in cycles per pixel, more than 0.

    Returns:
        (H, W // 2 + 1, 1), of mean square 1.
    """
    rows = torch.fft.fftfreq(size[0])[:, None]
    columns = torch.fft.rfftfreq(size[1])[None, :]
    frequency = (rows.square() + columns.square()).sqrt().clamp_min(1.0 / max(size))
    scale = torch.pow(frequency, -decay) * (1.0 + (frequency / corner).square()).rsqrt()
    normalized: Tensor = scale / scale.square().mean().sqrt()
    return normalized.unsqueeze(-1)
