"""A loaded brush: one stroke of thick paint, with bristles, laid on a canvas of color and height."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

SAMPLING = 0.6  # px between samples; below 1 / sqrt(2), so that a rotated grid of samples leaves no pixel out
BRISTLE_SPACING = 2.6  # px between two knots of the bristle pattern, across the stroke
STREAK_LENGTH = 36.0  # px between two knots of the bristle pattern, along the stroke
BURIED = 0.45  # how much of the height below shows through a new stroke


@dataclass(frozen=True)
class Canvas:
    """What has been painted so far; strokes change it in place.

    Attributes:
        color: (H, W, 3), in [0, 1].
        relief: (H, W), thickness of the paint in px, at least 0.
    """

    color: Array
    relief: Array


@dataclass(frozen=True)
class Stroke:
    """One movement of the brush.

    Attributes:
        path: (n, 2), x and y in px of evenly spaced points, n >= 2.
        width: in px, at the widest place.
        pigments: (2, 3), in [0, 1]: the colors on the left and on the right half of the brush.
        body: thickness of the paint as a share of the width.
    """

    path: Array
    width: float
    pigments: Array
    body: float


@dataclass(frozen=True)
class _Grid:
    """Where a stroke is sampled: rows along it, columns across it.

    Attributes:
        along: (rows, 1), from 0 at the head to 1 at the tail.
        across: (1, columns), from -1 to 1.
        streaks: (3, rows, columns), about 0 and mostly in [-1, 1]: pigment, lightness and height of the bristles.
        aspect: width over length.
    """

    along: Array
    across: Array
    streaks: Array
    aspect: float


def lay(canvas: Canvas, stroke: Stroke, rng: np.random.Generator) -> None:
    """Paint `stroke` on `canvas`, in place; what falls outside the canvas is dropped."""
    spine, normal, length = _resample(stroke.path)
    columns = max(int(stroke.width / SAMPLING), 4)
    grid = _Grid(
        along=np.linspace(0.0, 1.0, len(spine), dtype=np.float32)[:, None],
        across=np.linspace(-1.0, 1.0, columns, dtype=np.float32)[None, :],
        streaks=_streaks((len(spine), columns), (length, stroke.width), rng),
        aspect=stroke.width / length,
    )
    offset = grid.across * _profile(grid) * stroke.width / 2
    x = np.floor(spine[:, :1] + normal[:, :1] * offset).astype(np.intp)
    y = np.floor(spine[:, 1:] + normal[:, 1:] * offset).astype(np.intp)
    height, width = canvas.relief.shape
    wet = _contact(grid, rng.uniform(-0.08, 0.08)) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    where = (y[wet], x[wet])
    # A pixel sampled twice is still blended once: all samples read the canvas before the first one is written.
    load = _load(grid)[wet][:, None]
    canvas.color[where] = load * _color(grid, stroke.pigments)[wet] + (1 - load) * canvas.color[where]
    canvas.relief[where] = BURIED * canvas.relief[where] + stroke.body * stroke.width * _thickness(grid)[wet]


def light(canvas: Canvas) -> Array:
    """The canvas seen in light from the upper left: shadows darken, lit flanks brighten, steep ones shine.

    Returns:
        (H, W, 3), in [0, 1].
    """
    slope_y, slope_x = np.gradient(_smooth(canvas.relief))
    shade = np.tanh(2.1 * (0.6 * slope_x + 0.8 * slope_y) / np.sqrt(1 + slope_x**2 + slope_y**2))[..., None]
    gloss = np.maximum(shade, 0.0)
    color = canvas.color * (1 + 0.62 * np.minimum(shade, 0.0))
    color += gloss * (0.30 * color + 0.13 * (1 - color))
    color += 0.25 * gloss**4 * (1 - color)
    lit: Array = np.clip(color, 0.0, 1.0)
    return lit


def _smooth(relief: Array) -> Array:
    """Blur by a binomial filter of 5 taps each way, so that light shows ridges and not samples."""
    for axis in (0, 1):
        padded = np.pad(relief, [(2, 2) if side == axis else (0, 0) for side in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 5, axis)
        relief = windows @ np.array([1, 4, 6, 4, 1], dtype=padded.dtype) / 16
    return relief


def _resample(path: Array) -> tuple[Array, Array, float]:
    """Dense points (m, 2), their unit normals (m, 2), and the length in px.

    Normals are interpolated between the points of the path: with the normals of the bare polyline, the outer side of a
    bend would have gaps.
    """
    tangent = np.gradient(path, axis=0)
    knots = np.column_stack([path, -tangent[:, 1], tangent[:, 0]])
    length = float(np.hypot(*np.diff(path, axis=0).T).sum())
    at = np.linspace(0.0, len(path) - 1.0, max(int(length / SAMPLING), 4))
    dense = np.column_stack([np.interp(at, np.arange(len(path)), column) for column in knots.T])
    normal = dense[:, 2:]
    return dense[:, :2], normal / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9), length


def _streaks(shape: tuple[int, int], size: tuple[float, float], rng: np.random.Generator) -> Array:
    """Noise that is fine across the stroke and slow along it, (3, *shape), by bilinear interpolation of knots."""
    knots = (int(size[0] / STREAK_LENGTH) + 3, max(int(size[1] / BRISTLE_SPACING), 2) + 1)
    noise = rng.normal(0.0, 0.35, (3, *knots)) + rng.normal(0.0, 0.5, (3, 1, knots[1]))
    values = noise.astype(np.float32)
    row = np.linspace(0.0, knots[0] - 1.001, shape[0], dtype=np.float32)
    column = np.linspace(0.0, knots[1] - 1.001, shape[1], dtype=np.float32)
    top, left = row.astype(np.intp), column.astype(np.intp)
    down, right = (row - top)[:, None], column - left
    values = values[:, top] * (1 - down) + values[:, top + 1] * down
    blended: Array = values[:, :, left] * (1 - right) + values[:, :, left + 1] * right
    return blended


def _profile(grid: _Grid) -> Array:
    """Half width along the stroke, (rows, 1), in [0, 1]: a round head and a long tapered tail."""
    head = np.clip(grid.along / max(0.8 * grid.aspect, 0.02), 0.0, 1.0)
    tail = np.clip((1.0 - grid.along) / 0.45, 0.0, 1.0)
    half: Array = np.sqrt(1.0 - (1.0 - head) ** 2) * tail**0.6
    return half


def _contact(grid: _Grid, drag: float) -> NDArray[np.bool_]:
    """Where the bristles touch: each one lands and runs dry at its own place; `drag` slants the tail."""
    lands = (0.05 + 0.15 * grid.streaks[2]) * grid.aspect
    dries = 0.86 + 0.2 * grid.streaks[2] - drag * grid.across
    touched: NDArray[np.bool_] = (grid.along > lands) & (grid.along < dries)
    return touched


def _load(grid: _Grid) -> Array:
    """Opacity in [0, 1]: full at the head; towards the tail the brush smears what it finds."""
    load: Array = np.clip(1.1 - 0.45 * grid.along**1.5 + 0.25 * grid.streaks[1], 0.45, 1.0)
    return load


def _color(grid: _Grid, pigments: Array) -> Array:
    """(rows, columns, 3), in [0, 1]: two pigments side by side, streaked into each other, in uneven lightness."""
    mix = 1 / (1 + np.exp(-(2.2 * grid.across + 4.0 * grid.streaks[0])))[..., None]
    lightness = 1.05 + 0.16 * grid.streaks[1] - 0.1 * grid.along
    color: Array = np.clip((pigments[0] * (1 - mix) + pigments[1] * mix) * lightness[..., None], 0.0, 1.0)
    return color


def _thickness(grid: _Grid) -> Array:
    """Height relative to the body: ridges between bristles, a rim of paint pushed aside, a dollop at the head."""
    ridge = 0.5 + 0.45 * grid.streaks[2]
    rim = 0.55 * np.exp(-(((np.abs(grid.across) - 0.86) / 0.12) ** 2))
    dollop = 0.7 + 0.5 * np.exp(-6.0 * grid.along) - 0.35 * grid.along
    thickness: Array = np.clip((ridge + rim) * dollop * (1 - grid.across**8), 0.0, None)
    return thickness
