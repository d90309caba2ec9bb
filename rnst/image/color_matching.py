"""Color transfer between images: of all channels, or separately for luminance and chroma."""

from typing import Any

import numpy as np
import torch
from skimage.color import lab2rgb, rgb2lab, rgb2yiq, yiq2rgb
from skimage.exposure import match_histograms
from torch import Tensor

_SMALLEST_VARIANCE = 1e-6  # of colors; that of the rounding to 8 bits is 1.3e-6


def match_moments(image: Tensor, reference: Tensor) -> Tensor:
    """Map the colors of `image` linearly so that their mean and covariance equal those of `reference`.

    Of all such maps, this one changes colors least (Pitie and Kokaram 2007, "The linear Monge-Kantorovitch linear
    colour mapping", equation 9). Gatys et al. 2016 ("Preserving color in neural artistic style transfer", section 4)
    match the style image to the photo before the transfer, with other roots of the covariances.

    Args:
        image: (1, 3, H, W) in [0, 1].
        reference: (1, 3, H', W') in [0, 1].

    Returns:
        (1, 3, H, W), clamped to [0, 1].
    """
    colors, wanted = (picture.double().flatten(2).squeeze(0) for picture in (image, reference))
    mean, wanted_mean = colors.mean(1, keepdim=True), wanted.mean(1, keepdim=True)
    root = _root(_covariance(colors), least=_SMALLEST_VARIANCE)  # otherwise singular for images of one color
    inverse = torch.linalg.inv(root)
    mapping = inverse @ _root(root @ _covariance(wanted) @ root) @ inverse
    matched: Tensor = mapping @ (colors - mean) + wanted_mean
    return matched.clamp(0.0, 1.0).float().reshape(image.shape)


def match_histogram(image: Tensor, reference: Tensor) -> Tensor:
    """Match the histograms of `image` to those of `reference`, channel by channel in CIE Lab.

    Args:
        image: (1, 3, H, W) in [0, 1].
        reference: (1, 3, H', W') in [0, 1].
    """
    matched = match_histograms(rgb2lab(_rows(image)), rgb2lab(_rows(reference)), channel_axis=-1)
    return _image(lab2rgb(matched), image.device)


def gray_like(image: Tensor, reference: Tensor) -> Tensor:
    """The luminance of `image` as a gray image, with mean and standard deviation of the luminance of `reference`.

    Gatys et al. 2016, "Preserving color in neural artistic style transfer", section 3.
    """
    luminance, wanted = (torch.from_numpy(rgb2yiq(_rows(picture))[..., 0]) for picture in (image, reference))
    scale = _deviation(wanted) / _deviation(luminance).clamp_min(_SMALLEST_VARIANCE)
    gray: Tensor = ((luminance - luminance.mean()) * scale + wanted.mean()).clamp(0.0, 1.0)
    return gray.float().expand(1, 3, *gray.shape).contiguous().to(image.device)


def with_luminance_of(colors: Tensor, image: Tensor) -> Tensor:
    """The chroma (YIQ) of `colors` with the luminance of `image`, both (1, 3, H, W) in [0, 1]."""
    channels = rgb2yiq(_rows(colors))
    channels[..., 0] = rgb2yiq(_rows(image))[..., 0]
    return _image(yiq2rgb(channels), image.device)


def _covariance(colors: Tensor) -> Tensor:
    """Covariance (3, 3) of colors (3, N); 0 for a single pixel."""
    return torch.cov(colors) if colors.shape[1] > 1 else colors.new_zeros(3, 3)


def _deviation(values: Tensor) -> Tensor:
    """Standard deviation of all values; 0 for a single one."""
    return values.std() if values.numel() > 1 else values.new_zeros(())


def _root(covariance: Tensor, least: float = 0.0) -> Tensor:
    """Symmetric square root of a (3, 3) matrix, its eigenvalues clamped to at least `least`."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors @ torch.diag(values.clamp_min(least).sqrt()) @ vectors.T
    return root


def _rows(image: Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    return image.squeeze(0).permute(1, 2, 0).cpu().double().numpy()


def _image(rows: Any, device: torch.device) -> Tensor:
    image: Tensor = torch.from_numpy(rows).float().clamp(0.0, 1.0)
    return image.permute(2, 0, 1).unsqueeze(0).contiguous().to(device)
