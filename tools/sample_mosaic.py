"""The second sample painting: a mosaic of stone and glass, laid along swirling currents.

`python -m tools.sample_mosaic OUT.png [SEED]` makes it; the same seed gives the same picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.sample_painting import HEIGHT, WIDTH, Current, current, ramp, run
from tools.strokes import Array

SEED = 11
SUPERSAMPLING = 2  # the canvas is this many times finer than the picture: stones have hard edges
SIDES = (0.034, 0.027, 0.021, 0.015, 0.010)  # of stones in canvas heights; smaller ones fill gaps
TRIES = 12.0  # stones that are tried, over those that would fill the canvas
JOINT = 0.0026  # canvas heights between two stones
BEVEL = 0.0045  # canvas heights of a stone's rounded edge
_AT_ONCE = 500  # stones whose places are looked up together

MORTAR = (0.205, 0.180, 0.175)
SEA = ((0.02, 0.10, 0.20), (0.02, 0.24, 0.36), (0.05, 0.42, 0.50), (0.32, 0.66, 0.64), (0.78, 0.88, 0.80))
FIRE = ((0.36, 0.07, 0.07), (0.66, 0.18, 0.09), (0.86, 0.40, 0.10), (0.95, 0.68, 0.20), (0.98, 0.90, 0.62))
"""Ramps from dark to light, RGB in [0, 1]."""


@dataclass(frozen=True)
class Canvas:
    """What has been laid so far; stones change it in place.

    Attributes:
        color: (H, W, 3), in [0, 1].
        taken: (H, W), where a stone is, without its joint.
    """

    color: Array
    taken: NDArray[np.bool_]


def mosaic(height: int = HEIGHT, width: int = WIDTH, seed: int = SEED) -> Array:
    """Lay the picture.

    Args:
        height: in px. Stones scale with it: another size is the same mosaic.
        width: in px.
        seed: moves currents, stones and colors; the composition stays.

    Returns:
        (height, width, 3), in [0, 1].
    """
    rng = np.random.default_rng(seed)
    size = (height * SUPERSAMPLING, width * SUPERSAMPLING)
    canvas = Canvas(np.full((*size, 3), MORTAR), np.zeros(size, dtype=bool))
    flow = current(width / height, rng)
    for side in SIDES:
        count = int(TRIES * width / height / side**2)
        middles = rng.random((count, 2)) * (width / height, 1.0)
        direction, colors = flow.direction(middles), _colors(flow, middles, rng)
        wedge = rng.uniform(-0.12, 0.12, (count, 4))
        inner = (_inner(middles, direction, side) * height * SUPERSAMPLING).astype(int)
        columns, rows = inner[..., 0].clip(0, size[1] - 1), inner[..., 1].clip(0, size[0] - 1)
        for some in np.array_split(np.arange(count), 1 + count // _AT_ONCE):
            for number in some[~canvas.taken[rows[some], columns[some]].any(axis=1)]:  # most places are taken
                _lay(canvas, side, middles[number], direction[number], colors[number], wedge[number])
    canvas.color[:] *= 1.0 + rng.normal(0.0, 0.02, size)[..., None]
    picture: Array = canvas.color.clip(0.0, 1.0).reshape(height, SUPERSAMPLING, width, SUPERSAMPLING, 3).mean((1, 3))
    return picture


def _inner(middles: Array, along: Array, side: float) -> Array:
    """Points (n, 5, 2) that are inside of each stone whatever its edges: its middle, and four towards its corners."""
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    signs = np.array([(0, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)])
    corners: Array = middles[:, None] + 0.38 * side * (signs @ np.stack([along, across], axis=1))
    return corners


def _lay(canvas: Canvas, side: float, middle: Array, along: Array, color: Array, wedge: Array) -> None:
    """One stone, if its place is free. Its four edges are those of a square, each a little askew."""
    height, width = canvas.taken.shape
    reach = int(0.8 * side * height) + 2
    left, top = (middle * height).astype(int) - reach
    rows, columns = slice(max(top, 0), max(top + 2 * reach, 0)), slice(max(left, 0), max(left + 2 * reach, 0))
    y, x = np.mgrid[rows.start : min(rows.stop, height), columns.start : min(columns.stop, width)]
    if not x.size:
        return
    offset = np.stack([x + 0.5, y + 0.5], axis=-1) / height - middle
    u, v = offset @ along, offset @ np.array([-along[1], along[0]])
    edges = (wedge[0] * v - u, wedge[1] * v + u, wedge[2] * u - v, wedge[3] * u + v)
    inside = 0.5 * side + np.minimum.reduce(edges)  # distance to the nearest edge in canvas heights, negative outside
    stone, with_joint = inside > 0.5 * JOINT, inside > -0.5 * JOINT
    place = canvas.taken[rows, columns]
    if (place & with_joint).any():
        return
    place |= stone
    canvas.color[rows, columns][stone] = (color * _light(u, v, inside)[..., None])[stone]


def _light(u: Array, v: Array, inside: Array) -> Array:
    """Brightness of a stone: a bevel that is lit from one side, and a slight slope."""
    bevel = np.clip(1.0 - inside / BEVEL, 0.0, 1.0)
    lit: Array = 1.0 - 0.32 * bevel + 2.2 * (u - v)
    return lit


def _colors(flow: Current, points: Array, rng: np.random.Generator) -> Array:
    """Color (n, 3) of a stone at each point (n, 2): bands along the current, fire around the warm spirals."""
    count, phase, glow = len(points), flow.phase(points), flow.warmth(points)
    warm = rng.uniform(0.25, 0.45, count) < 0.9 * glow + 0.36 * np.cos(phase + 0.6)
    tone = 0.5 + 0.38 * np.sin(2.0 * phase) + rng.normal(0.0, 0.10, count)
    return np.where(warm[:, None], ramp(FIRE, tone + 0.12 * glow), ramp(SEA, tone - 0.08))


if __name__ == "__main__":
    run(mosaic, SEED, __doc__)
