"""Fourfold anisotropy of pictures whose directions are known."""

import math

import pytest
import torch
from torch import Tensor

from rnst.metrics.anisotropy import fourfold_anisotropy

_SIDE = 96


def _waves(*directions: float, period: float = 4.0) -> Tensor:
    """Waves of the given directions in degrees, (1, 3, 96, 96)."""
    down, across = torch.meshgrid(torch.arange(_SIDE), torch.arange(_SIDE), indexing="ij")
    gray = torch.full((_SIDE, _SIDE), 0.5)
    for angle in directions:
        turn = math.radians(angle)
        gray = gray + 0.2 * torch.sin(2 * math.pi / period * (across * math.cos(turn) + down * math.sin(turn)))
    return gray.expand(1, 3, -1, -1)


def _noise(strength: float = 0.1) -> Tensor:
    noise = torch.rand(1, 1, _SIDE, _SIDE, generator=torch.Generator().manual_seed(0))
    return (0.5 + strength * (noise - 0.5)).expand(1, 3, -1, -1)


@pytest.mark.parametrize("directions", [(0.0,), (0.0, 90.0), (45.0, 135.0), (20.0, 110.0)])
def test_stripes_and_crossed_threads_of_any_direction(directions: tuple[float, ...]) -> None:
    assert fourfold_anisotropy(_waves(*directions)) > 0.98


def test_all_directions_cancel() -> None:
    assert fourfold_anisotropy(_noise()) < 0.05
    assert fourfold_anisotropy(_waves(0.0, 45.0)) < 0.02  # their harmonics have opposite signs


def test_a_hatching_over_noise_lies_between() -> None:
    threads = _waves(0.0, 90.0) - 0.5
    even, hatched, more = (fourfold_anisotropy(_noise() + strength * threads) for strength in (0.0, 0.05, 0.2))
    assert even < hatched < more < 1.0


def test_coarse_structure_does_not_count() -> None:
    coarse = _waves(0.0, 90.0, period=16.0)
    assert fourfold_anisotropy(coarse + _noise() - 0.5) == pytest.approx(fourfold_anisotropy(_noise()), abs=0.02)
    assert fourfold_anisotropy(coarse, above=0.05) > 0.9


def test_nothing_in_the_band() -> None:
    assert fourfold_anisotropy(torch.full((1, 3, 32, 32), 0.4)) == 0.0
