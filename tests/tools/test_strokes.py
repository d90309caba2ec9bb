"""The brush: strokes are solid, stay where they belong, and carry their pigments."""

import numpy as np
import pytest

from tools.strokes import Array, Canvas, Stroke, lay, light

_RED_AND_YELLOW = np.array([(0.9, 0.1, 0.1), (0.9, 0.8, 0.1)])


def _canvas(height: int = 120, width: int = 120) -> Canvas:
    return Canvas(np.zeros((height, width, 3)), np.zeros((height, width)))


def _arc(radius: float) -> Array:
    angle = np.linspace(0.0, np.pi / 2, 25)
    return 10 + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.mark.parametrize("radius", [30.0, 90.0])
def test_a_bent_stroke_has_no_holes(radius: float) -> None:
    canvas = _canvas()
    lay(canvas, Stroke(_arc(radius), 24.0, _RED_AND_YELLOW, 0.1), np.random.default_rng(0))
    y, x = np.indices(canvas.relief.shape) + 0.5
    angle = np.degrees(np.arctan2(y - 10, x - 10))
    middle = (np.abs(np.hypot(x - 10, y - 10) - radius) < 6) & (angle > 40) & (angle < 50)
    assert middle.sum() > 30
    assert (canvas.color[middle].sum(axis=1) > 0).all()


def test_a_stroke_stays_within_its_width() -> None:
    canvas = _canvas()
    path = np.stack([np.linspace(10, 110, 9), np.full(9, 60.0)], axis=1)
    lay(canvas, Stroke(path, 20.0, _RED_AND_YELLOW, 0.1), np.random.default_rng(0))
    rows = np.flatnonzero(canvas.color.sum(axis=(1, 2)))
    assert rows.min() >= 49
    assert rows.max() <= 70
    assert (canvas.relief >= 0).all()


def test_the_tail_is_thinner_than_the_body() -> None:
    canvas = _canvas()
    path = np.stack([np.linspace(10, 110, 9), np.full(9, 60.0)], axis=1)
    lay(canvas, Stroke(path, 20.0, _RED_AND_YELLOW, 0.1), np.random.default_rng(0))
    covered = (canvas.color.sum(axis=2) > 0).sum(axis=0)
    assert covered[40] > 2 * covered[98]


def test_what_falls_outside_is_dropped() -> None:
    canvas = _canvas()
    lay(canvas, Stroke(_arc(60.0) - 300, 24.0, _RED_AND_YELLOW, 0.1), np.random.default_rng(0))
    assert not canvas.color.any()
    assert not canvas.relief.any()


def test_light_leaves_flat_paint_alone_and_shows_relief() -> None:
    flat = Canvas(np.full((20, 20, 3), 0.5), np.ones((20, 20)))
    np.testing.assert_allclose(light(flat), flat.color)
    ridge = Canvas(flat.color, np.zeros((20, 20)))
    ridge.relief[9:11] = 3.0
    lit = light(ridge)
    assert lit[7, 10, 0] > 0.6, "the flank that faces the light"
    assert lit[12, 10, 0] < 0.4, "the flank that faces away"
