"""The sample mosaic: reproducible, and laid of stones that leave joints."""

import numpy as np
import pytest

from rnst.image.files import read_image
from rnst.image.samples import sample_path
from tools.sample_mosaic import MORTAR, mosaic
from tools.sample_painting import HEIGHT, WIDTH
from tools.strokes import Array

_SMALL = (48, 56)
_BLOCK = 64


@pytest.fixture(scope="module")
def committed() -> Array:
    path = sample_path("mosaic")
    assert path is not None
    return read_image(path)[0].permute(1, 2, 0).numpy()


@pytest.fixture(scope="module")
def small() -> Array:
    return mosaic(*_SMALL, seed=1)


def test_a_seed_gives_one_picture__and_another_another(small: Array) -> None:
    np.testing.assert_array_equal(mosaic(*_SMALL, seed=1), small)
    assert np.abs(mosaic(*_SMALL, seed=2) - small).mean() > 0.05


def test_shape_and_range(small: Array) -> None:
    assert small.shape == (*_SMALL, 3)
    assert 0 <= small.min() < small.max() <= 1


@pytest.mark.slow
def test_the_committed_picture_is_what_the_program_lays(committed: Array) -> None:
    assert committed.shape == (HEIGHT, WIDTH, 3)
    off = np.abs(np.round(mosaic() * 255) - committed * 255).max(axis=2) > 1.001
    # Another processor may round a stone's edge into the neighboring pixel.
    assert off.mean() < 1e-3


def test_mortar_shows_everywhere_and_stones_cover_most(committed: Array) -> None:
    is_mortar = np.abs(committed - MORTAR).max(axis=2) < 0.05
    blocks = is_mortar.reshape(HEIGHT // _BLOCK, _BLOCK, WIDTH // _BLOCK, _BLOCK).mean(axis=(1, 3))
    assert 0.05 < blocks.min() <= blocks.max() < 0.5


def test_colors_are_warm_and_cold(committed: Array) -> None:
    warmth = committed[..., 0] - committed[..., 2]
    assert (warmth > 0.15).mean() > 0.1
    assert (warmth < -0.15).mean() > 0.3
