"""Similarity to the content. Both metrics are constraints, not goals: an unchanged photo scores best."""

import numpy as np
import torch
from skimage.filters import gaussian, sobel
from skimage.metrics import structural_similarity
from torch import Tensor
from torch.nn import functional as F

from rnst.metrics.arrays import Array, luminance

SIDE = 100  # px, shorter side, at which content is compared: finer detail is brush strokes, not content
_SMALLEST_SIDE = 16  # px; the window of SSIM spans 11
_SMOOTHING = 1.0  # px, standard deviation
_NO_EDGES = 1e-6


def edge_correlation(image: Tensor, content: Tensor) -> float:
    """Pearson correlation between the edges of two pictures.

    Edges are the magnitudes of the Sobel gradient of the luminance, after both pictures were reduced to a shorter side
    of 100 px and smoothed with a Gaussian of 1 px. Colors and smooth shading do not count.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 16 px.
        content: (1, 3, H', W') in [0, 1]; resampled to the shape of `image` where it has another.

    Returns:
        In [-1, 1], higher is more similar; 0 if one of the pictures has no edges. Published stylizations have 0.8
        (robust ResNet), 0.85 (VGG) and 0.99 (standard ResNet, which hardly changes the photo). Symmetric for equal
        shapes.
    """
    first, second = (_edges(gray) for gray in _reduced(image, content))
    norms = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    # Smaller values are rounding errors: a picture in which one pixel is off by one step of 8 bits has more than 1e-5.
    return float(first @ second) / (norms[0] * norms[1]) if min(norms) > _NO_EDGES else 0.0


def ssim(image: Tensor, content: Tensor) -> float:
    """Structural similarity of luminance (Wang et al. 2004), at a shorter side of 100 px.

    The constants are those of the paper: Gaussian window of 1.5 px, K1 0.01, K2 0.03. We depart from the paper by
    reducing both pictures to a fixed size: at full size the metric would mostly compare brush strokes.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 16 px.
        content: (1, 3, H', W') in [0, 1]; resampled to the shape of `image` where it has another.

    Returns:
        In [-1, 1], higher is more similar, 1 for equal pictures. Symmetric for equal shapes.
    """
    first, second = _reduced(image, content)
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]  # the library is untyped
            first, second, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def _edges(gray: Array) -> Array:
    """Gradient magnitudes of (H, W), as a vector without its mean."""
    magnitude: Array = sobel(gaussian(gray, _SMOOTHING)).ravel()  # type: ignore[no-untyped-call]  # untyped library
    centered: Array = magnitude - magnitude.mean()
    return centered


def _reduced(image: Tensor, content: Tensor) -> tuple[Array, Array]:
    """Luminance of both at one size, (h, w), with a shorter side of SIDE, or that of `image` if it is smaller."""
    first, second = luminance(image, _SMALLEST_SIDE), luminance(content)
    factor = min(1.0, SIDE / min(first.shape))
    size = [round(length * factor) for length in first.shape]
    return _resampled(first, size), _resampled(second, size)


def _resampled(gray: Array, size: list[int]) -> Array:
    """(H, W) at another size, antialiased bicubic, in [0, 1]."""
    plane = F.interpolate(torch.from_numpy(gray)[None, None], size=size, mode="bicubic", antialias=True)
    values: Array = plane[0, 0].clamp(0.0, 1.0).numpy()
    return values
