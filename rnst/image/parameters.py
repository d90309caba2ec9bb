"""What an optimizer moves when it paints: parameters, and a function that draws them as an image."""

import math
from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from rnst.image.color import ImageColor, PlainColor


class ImageParameter(nn.Module, ABC):
    """A picture as parameters. They stay contiguous float32, which L-BFGS needs."""

    @classmethod
    @abstractmethod
    def from_image(cls, image: Tensor, *, color: ImageColor | None = None) -> Self:
        """Parameters that draw `image`, (1, 3, H, W) in [0, 1], in `color`, `PlainColor` where there is none."""

    @abstractmethod
    def forward(self) -> Tensor:
        """The picture, (1, 3, H, W) in [0, 1]."""


class PixelImage(ImageParameter):
    """Each pixel is a parameter, kept in range by the color map.

    A clamp after each step would move the picture behind the back of an optimizer that remembers where it was: L-BFGS
    with a line search then stands still.

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
        """Parameters that draw `image`, (1, 3, H, W) in [0, 1], up to its values below 0.001 and above 0.999."""
        color = (color or PlainColor()).to(image.device)
        return cls(color.from_rgb(image), color)

    def forward(self) -> Tensor:
        """The picture, (1, 3, H, W) in [0, 1]."""
        return self.color.to_rgb(self.channels)


class ClampedImage(ImageParameter):
    """Each pixel is a parameter that is moved back into [0, 1] whenever the picture is drawn.

    The optimizer is not told, so its memory of where it was is wrong at black and white. This is what most programs of
    style transfer do, and here to compare with them; `PixelImage` paints better.

    Args:
        image: (1, 3, H, W).
    """

    def __init__(self, image: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(image.detach().clone().contiguous().float())

    @classmethod
    def from_image(cls, image: Tensor, *, color: ImageColor | None = None) -> Self:  # noqa: ARG003 - RGB alone
        """Parameters that draw `image`, (1, 3, H, W) in [0, 1], exactly."""
        return cls(image)

    def forward(self) -> Tensor:
        """The picture, (1, 3, H, W) in [0, 1]."""
        with torch.no_grad():
            self.pixels.clamp_(0.0, 1.0)
        return self.pixels * 1.0  # a copy: who keeps it shall not see it move


class FourierImage(ImageParameter):
    """The picture's spectrum, scaled so that broad shapes move more easily than grain.

    Amplitude f ** -decay stands in for the metric of the optimizer: it changes what is found first, not what can be
    drawn. The parametrization is that of lucid (Mordvintsev et al. 2018, "Differentiable image parameterizations"),
    which uses decay 1, as in natural images. Style transfer with it hardly moves brush strokes; decays of 0.25 to 0.5
    paint them and still leave out the pixel noise. A corner, beyond which amplitudes fall by one more power, makes up
    for total variation, whose curvature grows with the square of the frequency.

    Args:
        spectrum: (1, 3, H, W // 2 + 1, 2): real and imaginary part, divided by the scale.
        size: height and width of the picture.
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
        """Parameters that draw `image`, (1, 3, H, W) in [0, 1], up to its values below 0.001 and above 0.999."""
        size = (image.shape[-2], image.shape[-1])
        color = (color or PlainColor()).to(image.device)
        channels = color.from_rgb(image)
        spectrum = torch.view_as_real(torch.fft.rfft2(channels, norm="ortho"))
        return cls(spectrum / frequency_scale(size, decay, corner).to(image.device), size, decay, color, corner)

    def forward(self) -> Tensor:
        """The picture, (1, 3, H, W) in [0, 1]."""
        scaled = torch.view_as_complex(self.spectrum * self.scale)
        return self.color.to_rgb(torch.fft.irfft2(scaled, s=self.size, norm="ortho"))


def frequency_scale(size: tuple[int, int], decay: float, corner: float = math.inf) -> Tensor:
    """Frequency ** -decay, far above the corner ** -(decay + 1); the lowest frequency stands in for zero.

    Args:
        size: height and width of a picture.
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
