"""The sample painting: reproducible, and rich everywhere."""

import sys
from pathlib import Path

import numpy as np
import pytest

from rnst.image.files import read_image
from rnst.image.samples import DEFAULT_PAINTING, sample_path
from tools import sample_painting as painting
from tools.sample_painting import HEIGHT, WIDTH, Current, paint
from tools.strokes import Array

_SMALL = (80, 96)
_BLOCK = 64


@pytest.fixture(scope="module")
def committed() -> Array:
    path = sample_path(DEFAULT_PAINTING)
    assert path is not None
    return read_image(path)[0].permute(1, 2, 0).numpy()


@pytest.fixture(scope="module")
def small() -> Array:
    return paint(*_SMALL, seed=1)


def test_a_seed_gives_one_picture(small: Array) -> None:
    np.testing.assert_array_equal(paint(*_SMALL, seed=1), small)


def test_seeds_give_different_pictures(small: Array) -> None:
    assert np.abs(paint(*_SMALL, seed=2) - small).mean() > 0.1


def test_shape_and_range(small: Array) -> None:
    assert small.shape == (*_SMALL, 3)
    assert small.min() >= 0
    assert small.max() <= 1


@pytest.mark.slow
def test_the_committed_picture_is_what_the_program_paints(committed: Array) -> None:
    assert committed.shape == (HEIGHT, WIDTH, 3)
    off = np.abs(np.round(paint() * 255) - committed * 255).max(axis=2) > 1.001
    # Another processor may round a sample of a stroke's edge into the neighboring pixel: a few pixels may differ.
    assert off.mean() < 1e-3


def test_no_part_of_the_canvas_is_empty(committed: Array) -> None:
    blocks = committed.mean(axis=2).reshape(HEIGHT // _BLOCK, _BLOCK, WIDTH // _BLOCK, _BLOCK)
    assert blocks.std(axis=(1, 3)).min() > 0.06
    edges = np.abs(np.diff(blocks, axis=3)).mean(axis=(1, 3))
    assert edges.min() > 0.012, "bristles and strokes, not a smooth gradient"


def test_texture_is_paint_and_not_pixel_noise(committed: Array) -> None:
    gray = committed.mean(axis=2)
    shifted = np.corrcoef(gray[:, 1:].ravel(), gray[:, :-1].ravel())[0, 1]
    assert shifted > 0.85, "about that of a photographed oil painting; noise has 0"


def test_colors_are_spread(committed: Array) -> None:
    warmth = committed[..., 0] - committed[..., 2]
    assert (warmth > 0.15).mean() > 0.2
    assert (warmth < -0.15).mean() > 0.3
    dark, bright = np.quantile(committed.mean(axis=2), (0.05, 0.95))
    assert dark < 0.15
    assert bright > 0.6


def test_strokes_run_along_the_level_lines() -> None:
    waves = np.array([(3.0, 1.0, 0.5, 2.0), (-1.0, 4.0, 1.0, 1.5)])
    current = Current(waves, np.array([(0.5, 0.5, 1e-4, 5.0, 2.0, 1.0, 0.2)]))
    points = np.random.default_rng(0).uniform(0.55, 1.0, (50, 2))
    paths = current.trace(points, np.full(50, 0.02))
    np.testing.assert_allclose(np.linalg.norm(current.direction(points), axis=1), 1.0)
    drift = np.sin(current.phase(paths[:, -1])) - np.sin(current.phase(paths[:, 0]))
    assert np.abs(drift).max() < 1e-3


def test_the_command_writes_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: Array) -> None:
    seeds = list[int]()

    def make(seed: int) -> Array:
        seeds.append(seed)
        return small

    for words in (["5"], []):
        monkeypatch.setattr(sys, "argv", ["painting", str(tmp_path / "out.png"), *words])
        painting.run(make, 7, "")
    assert seeds == [5, 7]
    assert read_image(tmp_path / "out.png").shape == (1, 3, *_SMALL)


@pytest.mark.parametrize("arguments", [[], ["out.png", "five"], ["out.png", "5", "more"]])
def test_the_command_explains_itself(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["painting", *arguments])
    with pytest.raises(SystemExit) as stopped:
        painting.run(paint, 7, "usage")
    assert stopped.value.code == 2
