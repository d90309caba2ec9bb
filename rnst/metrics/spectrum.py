"""Energy of a picture's luminance by frequency."""

import numpy as np
from torch import Tensor

from rnst.metrics.arrays import Array, luminance

_FLAT = 1e-7  # a deviation due to rounding alone: one 8-bit step in one of a billion pixels has as much


def energy_spectrum(image: Tensor, smallest: int = 1) -> tuple[Array, Array, Array]:
    """Energy of the luminance, without its mean, at each frequency.

    Computed by the Fourier transform of the whole picture under a Hann window, so that the picture's border does not
    count as an edge.

    Args:
        image: (1, 3, H, W) in [0, 1].
        smallest: least height and width in px.

    Returns:
        Energies (H, W), 0 for a flat picture; frequencies downwards (H, 1) and across (1, W) in cycles per pixel.

    Raises:
        InvalidValueError: the shape is wrong, the picture too small, or a value NaN or infinite.
    """
    gray = luminance(image, smallest)
    down, across = (np.fft.fftfreq(length).astype(np.float64) for length in gray.shape)
    energy: Array = np.zeros(gray.shape)
    if gray.std() >= _FLAT:
        window = np.outer(np.hanning(gray.shape[0] + 2)[1:-1], np.hanning(gray.shape[1] + 2)[1:-1])
        energy = np.abs(np.fft.fft2((gray - gray.mean()) * window)) ** 2
    return energy, down[:, None], across[None, :]
