"""Random fields that resemble clouds and ice."""

import math

import torch
from torch import Generator, Tensor

# Measured on the five different frost photos of the published corruption: the range of their means, the range of their
# standard deviations, and how much darker red and lighter blue is than green. Their power falls with the square of the
# frequency.
_FROST_MEANS = (0.36, 0.82)
_FROST_DEVIATIONS = (0.08, 0.17)
_FROST_TINT = (-0.07, 0.0, 0.04)
_NEEDLES = 3  # directions of ice crystals, 60 degrees apart
_SPREAD = 0.12  # standard deviation of a direction, in radians
_BETWEEN = 0.15  # amplitude of waves outside these directions, relative to waves inside
_RELIEF = 0.6  # share of the ice drawn by ridges; the waves themselves make up the rest


def clouds(height: int, width: int, roughness: float, draw: Generator) -> Tensor:
    """Plasma fractal by midpoint displacement on a torus (Fournier, Fussell and Carpenter 1982, section 5), as fog.

    The center of each four points of a grid gets their mean plus uniform noise, and again on the denser grid, until
    every pixel has a value. The noise falls by `roughness` squared from each grid to the one of half its spacing.

    Args:
        height: in pixels.
        width: in pixels.
        roughness: 1.4 is rough, 2 smooth.
        draw: generator of the noise.

    Returns:
        (height, width), values from 0 to 1 over the whole torus.
    """
    side = 1 << (max(height, width) - 1).bit_length()
    field, spacing, amplitude = torch.zeros(1, 1), side, 1.0
    while spacing > 1:
        cells = len(field)
        # Centers of squares, then of their edges: on a torus both are means of four neighbors.
        squares = _mean_of_four(field, field.roll(-1, 0), field.roll(-1, 1), field.roll((-1, -1), (0, 1)))
        squares = squares + _uniform(cells, amplitude, draw)
        above, left = squares.roll(1, 0), squares.roll(1, 1)
        across = _mean_of_four(field, field.roll(-1, 1), squares, above) + _uniform(cells, amplitude, draw)
        down = _mean_of_four(field, field.roll(-1, 0), squares, left) + _uniform(cells, amplitude, draw)
        rows = (torch.stack((field, across), 2).flatten(1), torch.stack((down, squares), 2).flatten(1))
        field = torch.stack(rows, 1).flatten(0, 1)
        spacing //= 2
        amplitude /= roughness**2
    field = field - field.min()
    return (field / field.max().clamp_min(torch.finfo(field.dtype).tiny))[:height, :width]


def ice(height: int, width: int, draw: Generator) -> Tensor:
    """Synthetic frost: waves of power 1/f^2, strongest in three directions 60 degrees apart, drawn as ridges.

    No part is a photo; mean, spread, tint and spectrum are drawn from the ranges measured on the photos that the
    published corruption overlays.

    Args:
        height: in pixels.
        width: in pixels.
        draw: generator of phases, direction, mean and spread.

    Returns:
        (3, height, width) in [0, 1].
    """
    across, down = torch.fft.rfftfreq(width)[None], torch.fft.fftfreq(height)[:, None]
    frequency = torch.hypot(across, down).clamp_min(1.0 / max(height, width))
    first, mean, deviation = torch.rand(3, generator=draw).tolist()
    apart = torch.remainder(torch.atan2(down, across) - first * math.pi, math.pi / _NEEDLES)
    apart = torch.minimum(apart, math.pi / _NEEDLES - apart)
    strength = (_BETWEEN + torch.exp(-0.5 * (apart / _SPREAD) ** 2)) / frequency
    white = torch.fft.rfft2(torch.randn(2, height, width, generator=draw))
    waves, others = torch.fft.irfft2(white * strength, s=(height, width)).unbind()
    field = _standard(_RELIEF * _standard(-waves.abs()) + (1.0 - _RELIEF) * _standard(others))
    gray = _between(_FROST_MEANS, mean) + _between(_FROST_DEVIATIONS, deviation) * field
    return (gray + torch.tensor(_FROST_TINT)[:, None, None]).clamp(0.0, 1.0)


def _mean_of_four(first: Tensor, second: Tensor, third: Tensor, fourth: Tensor) -> Tensor:
    return (first + second + third + fourth) / 4.0


def _uniform(cells: int, amplitude: float, draw: Generator) -> Tensor:
    return amplitude * (2.0 * torch.rand(cells, cells, generator=draw) - 1.0)


def _standard(field: Tensor) -> Tensor:
    """Normalize to mean 0 and standard deviation 1."""
    return (field - field.mean()) / field.std()


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])
