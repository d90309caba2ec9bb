"""What an optimizer moves when it paints: parameters, and a function that draws them as an image."""

from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from rnst.image.color import DecorrelatedColor


class ImageParameter(nn.Module, ABC):
    """A picture as parameters. They stay contiguous float32, which L-BFGS needs."""

    @classmethod
    @abstractmethod
    def from_image(cls, image: Tensor) -> Self:
        """Parameters that draw `image`, (1, 3, H, W) in [0, 1]."""

    @abstractmethod
    def forward(self) -> Tensor:
        """The picture, (1, 3, H, W) in [0, 1]."""

    def restrict(self) -> None:
        """Bring the parameters back into range after a step; nothing to do where `forward` is bounded by itself."""


class PixelImage(ImageParameter):
    """Each pixel is a parameter, kept in range by `restrict` after each step.

    Args:
        pixels: (1, 3, H, W) in [0, 1].
    """

    def __init__(self, pixels: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(pixels.detach().clone().contiguous().float())

    @classmethod
    def from_image(cls, image: Tensor) -> Self:
        """Parameters that draw `image`, (1, 3, H, W) in [0, 1]."""
        return cls(image)

    def forward(self) -> Tensor:
        """The picture, (1, 3, H, W); between steps it is in [0, 1]."""
        return self.pixels

    def restrict(self) -> None:
        """Clamp the pixels to [0, 1]."""
        self.pixels.data.clamp_(0.0, 1.0)


class FourierImage(ImageParameter):
    """The picture's spectrum, scaled so that each frequency is as easy to move as natural images use it.

    Natural images have amplitudes that fall as 1 / frequency; a gradient step on the scaled spectrum therefore changes
    broad shapes first and grain last. Constants as in lucid (Mordvintsev et al. 2018, "Differentiable image
    parameterizations"); colors are decorrelated and bounded by a sigmoid.

    Args:
        spectrum: (1, 3, H, W // 2 + 1, 2): real and imaginary part, divided by the scale.
        size: height and width of the picture.
    """

    scale: Tensor

    def __init__(self, spectrum: Tensor, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.color = DecorrelatedColor()
        self.register_buffer("scale", _frequency_scale(size), persistent=False)
        self.spectrum = nn.Parameter(spectrum.detach().clone().contiguous().float())

    @classmethod
    def from_image(cls, image: Tensor) -> Self:
        """Parameters that draw `image`, (1, 3, H, W) in [0, 1], up to its values below 0.001 and above 0.999."""
        size = (image.shape[-2], image.shape[-1])
        channels = DecorrelatedColor().to(image.device).from_rgb(image)
        spectrum = torch.view_as_real(torch.fft.rfft2(channels, norm="ortho"))
        return cls(spectrum / _frequency_scale(size).to(image.device), size)

    def forward(self) -> Tensor:
        """The picture, (1, 3, H, W) in (0, 1)."""
        scaled = torch.view_as_complex(self.spectrum * self.scale)
        return self.color.to_rgb(torch.fft.irfft2(scaled, s=self.size, norm="ortho"))


def _frequency_scale(size: tuple[int, int]) -> Tensor:
    """1 / frequency, (H, W // 2 + 1, 1), with the lowest frequency standing in for zero; mean square 1."""
    rows = torch.fft.fftfreq(size[0])[:, None]
    columns = torch.fft.rfftfreq(size[1])[None, :]
    frequency = (rows.square() + columns.square()).sqrt().clamp_min(1.0 / max(size))
    scale = 1.0 / frequency
    return (scale / scale.square().mean().sqrt()).unsqueeze(-1)
