"""Spatial structure of a network's gradient at a picture: smooth if it follows shapes, white if it is noise."""

import numpy as np
from skimage.filters import gaussian
from torch import Tensor

from rnst.metrics.arrays import Array

_SIGMA = 2.0  # px


def gradient_coherence(gradient: Tensor, sigma: float = _SIGMA) -> float:
    r"""Correlation of a gradient with its own blurred version, the mean over its channels.

    White noise has the filter's center over the filter's norm, :math:`1 / (\sqrt{\pi} \sigma)`: 0.28 at 2 px. A
    gradient that is smooth over many pixels has almost 1.

    Args:
        gradient: (1, 3, H, W), of any scale.
        sigma: of the Gaussian, in px; edges are mirrored.

    Returns:
        In [-1, 1]; 0 for a gradient without any variance.
    """
    values: Array = gradient.detach().to("cpu").double().squeeze(0).numpy()
    found = []
    for channel in values:
        blurred: Array = gaussian(channel, sigma, mode="reflect")  # type: ignore[no-untyped-call]
        ours, theirs = channel - channel.mean(), blurred - blurred.mean()
        length = float(np.linalg.norm(ours) * np.linalg.norm(theirs))
        found.append(float((ours * theirs).sum()) / length if length > 0.0 else 0.0)
    return sum(found) / len(found)


def gradient_high_frequencies(gradient: Tensor, above: float = 0.25) -> float:
    """Share of a gradient's energy, without its mean, at more than `above` cycles per pixel, over all channels.

    Args:
        gradient: (1, 3, H, W), of any scale.
        above: radius in cycles per pixel, in [0, 0.5].

    Returns:
        In [0, 1]: 0.80 for white noise, 0 for a flat gradient.
    """
    values: Array = gradient.detach().to("cpu").double().squeeze(0).numpy()
    values = values - values.mean(axis=(1, 2), keepdims=True)
    energy = (np.abs(np.fft.fft2(values)) ** 2).sum(0)
    down, across = (np.fft.fftfreq(length) for length in values.shape[-2:])
    total = float(energy.sum())
    return float(energy[np.hypot(down[:, None], across[None, :]) > above].sum()) / total if total > 0.0 else 0.0
