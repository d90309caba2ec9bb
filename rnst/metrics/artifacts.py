"""Artifacts of strided layers in pictures: checkerboards, stripes and pixel noise."""

import numpy as np
from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.metrics.arrays import Array, luminance
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.metrics.spectrum import energy_spectrum

COLUMNS = (0.0, 0.5)  # cycles per pixel down and across: every second column differs
ROWS = (0.5, 0.0)
CHECKERBOARD = (0.5, 0.5)
_SEGMENT = 64  # px
_EIGHT_BIT_NOISE = (1.0 / 255.0) ** 2 / 12.0  # variance of rounding to 8 bits


def nyquist_excess_db(image: Tensor, frequency: tuple[float, float] = CHECKERBOARD) -> float:
    """Excess power of a frequency over its surroundings in the luminance spectrum.

    The spectrum is Welch's: 64 px segments, half overlapping, mean removed, Hann window. The excess is the mean
    of log power in the 3x3 bins around `frequency` minus the median of log power in the square ring 4 to 8 bins away.
    At half a cycle per pixel it shows the overlap of stride-2 kernels (Odena et al. 2016, "Deconvolution and
    checkerboard artifacts"); at a quarter, that of two such layers. For JPEG files only half a cycle is meaningful,
    since blocks of 8 px have power at all multiples of an eighth. Segments start at the top left, 32 px apart: up to
    31 px at the right and bottom, of sides that are not 64 + 32 k, are in none.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 64 px.
        frequency: cycles per pixel down and across, in [0, 0.5] each: COLUMNS, ROWS, CHECKERBOARD, or others.

    Returns:
        In dB, typically in [-5, 20]; lower is better, 0 is no excess. Published pictures have 5 to 8 at COLUMNS and
        ROWS (both ResNets), and 1 (VGG).
    """
    # Far below the resolution of 8 bits, so that it changes only pictures without any fine detail: these get 0 dB.
    power = 10.0 * np.log10(_welch(luminance(image, SMALLEST_SIDE)) + 0.01 * _EIGHT_BIT_NOISE)
    down, across = (_bins_from(part) for part in frequency)
    away = np.maximum(down[:, None], across[None, :])
    return float(power[away <= 1].mean() - np.median(power[(away >= 4) & (away <= 8)]))  # noqa: PLR2004 the definition


def high_frequency_fraction(image: Tensor, above: float = 0.25) -> float:
    """Share of the luminance's energy, without its mean, at more than `above` cycles per pixel in any direction.

    See `energy_spectrum`. Compare only pictures of the same content and file format: JPEG removes energy here.

    Args:
        image: (1, 3, H, W) in [0, 1].
        above: radius in cycles per pixel, in [0, 0.5].

    Returns:
        In [0, 1], lower is smoother: 0.01 to 0.03 for photos and paintings, 0.80 (1 - pi / 16) for white noise, 0
        for a flat picture.
    """
    energy, down, across = energy_spectrum(image)
    total = energy.sum()
    return float(energy[np.hypot(down, across) > above].sum() / total) if total > 0.0 else 0.0


def noise_sigma(image: Tensor) -> float:
    r"""Standard deviation of pixel noise in the luminance (Immerkaer 1996, "Fast noise variance estimation").

    .. math:: \sqrt{\pi / 2} \; \frac{1}{6 (W - 2)(H - 2)} \sum |I * N|

    with the mask N of `high_pass`, which cancels all that is linear in x or in y. Fine texture counts as noise.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 3 px.

    Returns:
        In [0, inf), in units of luminance in [0, 1], lower is cleaner; the true deviation for white noise of normal
        distribution, 0.005 to 0.008 for the published pictures.
    """
    return float(np.sqrt(np.pi / 2.0) / 6.0 * np.abs(high_pass(image)).mean())


def high_pass(image: Tensor) -> Array:
    """Luminance under Immerkaer's mask, the product of two second differences: (1, 3, H, W) to (H - 2, W - 2)."""
    return np.diff(np.diff(luminance(image, smallest=3), n=2, axis=0), n=2, axis=1)


def phase_cv(signal: Array, stride: int) -> float:
    """Unevenness of a signal's energy over the phases of a grid: standard deviation over mean.

    The mean square is taken for each of the stride x stride positions (row mod stride, column mod stride). For the
    gradient at the input of a convolution of kernel k and stride s, with white weights, the number of taps at each
    phase determines it: 0.203 for 7x7/2, 0.48 for 3x3/2, 1.73 for 1x1/2, and 0 where s divides k.

    Args:
        signal: (..., H, W): a gradient, or `high_pass` of a picture. Leading axes are averaged. Rows and columns that
            do not fill a whole cell are left out.
        stride: period in px, at least 1.

    Returns:
        In [0, sqrt(stride^2 - 1)], lower is more even; 0 for a signal without energy. A finite white signal of n values
        per phase has about sqrt(2 / n).

    Raises:
        InvalidValueError: `stride` is below 1, or the signal is smaller than one cell.
    """
    height, width = signal.shape[-2:]
    if not 1 <= stride <= min(height, width):
        raise InvalidValueError("stride", stride, f"between 1 and the shorter side of the signal, {min(height, width)}")
    rows, columns = height // stride, width // stride
    cells = signal[..., : rows * stride, : columns * stride].reshape(-1, rows, stride, columns, stride)
    energy = np.mean(cells**2, axis=(0, 1, 3))
    mean = float(energy.mean())
    return float(energy.std()) / mean if mean > 0.0 else 0.0


def overlap_cv(kernel: int, stride: int) -> float:
    """The `phase_cv` of the gradient at the input of a convolution with white weights, in closed form.

    Along one axis, the taps p, p + stride, ... of the kernel reach position p of the stride: 4 and 3 of them for 7 taps
    at stride 2. The energy at a position in the plane is proportional to the product of both counts (Odena et al. 2016
    show the same overlap for the transposed convolution, which the gradient is).

    Args:
        kernel: taps along one axis.
        stride: at least 1.

    Returns:
        0 where the stride divides the kernel.
    """
    taps = np.array([len(range(place, kernel, stride)) for place in range(stride)], dtype=np.float64)
    energy = np.outer(taps, taps)
    return float(energy.std() / energy.mean())


def _welch(gray: Array) -> Array:
    """Mean power spectrum (64, 64) of (H, W); white noise has its variance in every bin."""
    taper = np.hanning(_SEGMENT + 1)[:-1]  # periodic, so that a half cycle per pixel leaks into the next bins only
    window = np.outer(taper, taper)
    hops = [range(0, length - _SEGMENT + 1, _SEGMENT // 2) for length in gray.shape]
    total = np.zeros((_SEGMENT, _SEGMENT))
    for top in hops[0]:
        for left in hops[1]:
            segment = gray[top : top + _SEGMENT, left : left + _SEGMENT]
            total += np.abs(np.fft.fft2((segment - segment.mean()) * window)) ** 2
    return total / (len(hops[0]) * len(hops[1]) * float((window**2).sum()))


def _bins_from(frequency: float) -> Array:
    """Distance of each of the 64 bins of one axis to `frequency`, around the circle."""
    half = _SEGMENT // 2
    offset = np.arange(_SEGMENT, dtype=np.float64) - round(frequency * _SEGMENT)
    return np.abs((offset + half) % _SEGMENT - half)
