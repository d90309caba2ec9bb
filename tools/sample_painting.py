"""The sample painting: an abstract canvas of thick brush strokes that follow swirling currents.

`python -m tools.sample_painting OUT.png [SEED]` paints it; the same seed gives the same picture.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.strokes import Array, Canvas, Stroke, lay, light

HEIGHT, WIDTH, SEED = 640, 768, 7
SUPERSAMPLING = 2  # the canvas is this many times finer than the picture: strokes have hard edges
TRACE_STEPS = 24  # even, because strokes are traced from their middle
AGAINST = 0.2  # share of strokes drawn against the current
ACCENTS = 0.06  # share of strokes in the temperature that does not belong there

GROUND = (0.080, 0.100, 0.280)  # the canvas itself, RGB in [0, 1]
# Ramps from dark to light.
COOL = (
    (0.035, 0.045, 0.130),  # ink
    (0.030, 0.110, 0.260),  # Prussian blue
    (0.075, 0.130, 0.480),  # ultramarine
    (0.090, 0.310, 0.640),  # cobalt
    (0.040, 0.430, 0.500),  # teal
    (0.380, 0.690, 0.690),  # turquoise
    (0.840, 0.900, 0.820),  # cold ivory
)
WARM = (
    (0.330, 0.040, 0.110),  # madder
    (0.680, 0.090, 0.110),  # crimson
    (0.880, 0.310, 0.060),  # vermilion
    (0.960, 0.510, 0.070),  # cadmium orange
    (0.840, 0.620, 0.180),  # ochre
    (0.985, 0.800, 0.240),  # cadmium yellow
    (0.975, 0.930, 0.790),  # ivory
)


@dataclass(frozen=True)
class Layer:
    """One pass over the canvas with one brush.

    Attributes:
        width: of the brush, as a share of the canvas height.
        length: of a stroke, in widths.
        cover: area of all strokes over the area of the canvas, before `focus`.
        body: thickness of the paint as a share of the width.
        focus: 0 paints everywhere, 1 only where the picture wants detail.
        lift: how much lighter than the layers below, in units of a ramp.
    """

    width: float
    length: float
    cover: float
    body: float
    focus: float
    lift: float


LAYERS = (
    Layer(width=0.120, length=2.5, cover=3.0, body=0.03, focus=0.0, lift=0.0),
    Layer(width=0.058, length=6.0, cover=2.2, body=0.06, focus=0.0, lift=0.0),
    Layer(width=0.034, length=6.0, cover=1.5, body=0.09, focus=0.6, lift=0.04),
    Layer(width=0.021, length=6.0, cover=1.2, body=0.11, focus=0.85, lift=0.08),
    Layer(width=0.012, length=7.0, cover=0.6, body=0.13, focus=0.9, lift=0.16),
)


@dataclass(frozen=True)
class Current:
    """What the strokes follow: the level lines of a phase, smooth noise plus spirals.

    The flow is the gradient of the phase turned by 90 degrees, as in curl noise. A spiral adds a logarithm of the
    distance to its center (rings) and a whole multiple of the angle around it (arms). So the phase has no seam modulo
    2 pi, and colors made from its sine and cosine run along the strokes. Lengths are in canvas heights.

    Attributes:
        waves: (n, 4): x and y frequency in radians, phase shift, amplitude.
        spirals: (m, 7): x, y, core radius, rings, arms, warmth, radius of the warmth.
    """

    waves: Array
    spirals: Array

    def phase(self, points: Array) -> Array:
        """Phase in radians (n,) at points (n, 2)."""
        offset, squared = self._offsets(points)
        noise = np.sin(points @ self.waves[:, :2].T + self.waves[:, 2]) @ self.waves[:, 3]
        rings = 0.5 * np.log(squared + self.spirals[:, 2] ** 2) @ self.spirals[:, 3]
        total: Array = noise + rings + np.arctan2(offset[..., 1], offset[..., 0]) @ self.spirals[:, 4]
        return total

    def direction(self, points: Array) -> Array:
        """Unit vectors (n, 2) along the level line through each of the points (n, 2)."""
        angle = points @ self.waves[:, :2].T + self.waves[:, 2]
        gradient = (np.cos(angle) * self.waves[:, 3]) @ self.waves[:, :2]
        offset, squared = self._offsets(points)
        rings, arms = (self.spirals[:, 3:5, None] / (squared + self.spirals[:, 2] ** 2).T[:, None]).swapaxes(0, 1)
        x, y = offset[..., 0].T, offset[..., 1].T
        gradient += np.stack([(rings * x - arms * y).sum(axis=0), (rings * y + arms * x).sum(axis=0)], axis=1)
        flow = np.stack([gradient[:, 1], -gradient[:, 0]], axis=1)
        unit: Array = flow / (np.linalg.norm(flow, axis=1, keepdims=True) + 1e-12)
        return unit

    def warmth(self, points: Array) -> Array:
        """Glow (n,) of the spirals at points (n, 2), about 1 in the middle of a warm one."""
        glow: Array = np.exp(-self._offsets(points)[1] / self.spirals[:, 6] ** 2) @ self.spirals[:, 5]
        return glow

    def trace(self, middles: Array, lengths: Array) -> Array:
        """Paths (n, TRACE_STEPS + 1, 2) through the points (n, 2), by midpoint steps both ways."""
        halves: list[list[Array]] = []
        for sign in (-1.0, 1.0):
            step = sign * lengths[:, None] / TRACE_STEPS
            path = [middles]
            for _ in range(TRACE_STEPS // 2):
                halfway = path[-1] + 0.5 * step * self.direction(path[-1])
                path.append(path[-1] + step * self.direction(halfway))
            halves.append(path)
        return np.stack(halves[0][:0:-1] + halves[1], axis=1)

    def _offsets(self, points: Array) -> tuple[Array, Array]:
        offset = points[:, None] - self.spirals[None, :, :2]
        return offset, np.square(offset).sum(axis=2)


def paint(height: int = HEIGHT, width: int = WIDTH, seed: int = SEED) -> Array:
    """Paint the picture.

    Args:
        height: in px. Strokes scale with it: another size is the same painting.
        width: in px.
        seed: moves currents, strokes and colors; the composition stays.

    Returns:
        (height, width, 3), in [0, 1].
    """
    rng = np.random.default_rng(seed)
    size = (height * SUPERSAMPLING, width * SUPERSAMPLING)
    canvas = Canvas(np.full((*size, 3), GROUND, dtype=np.float32), np.zeros(size, dtype=np.float32))
    flow = current(width / height, rng)
    for layer in LAYERS:
        strokes = _strokes(layer, flow, size, rng)
        # A generator for each stroke: rounding that differs between machines cannot shift the noise of later strokes.
        for stroke, own in zip(strokes, rng.spawn(len(strokes)), strict=True):
            lay(canvas, stroke, own)
    picture: Array = light(canvas).reshape(height, SUPERSAMPLING, width, SUPERSAMPLING, 3).mean(axis=(1, 3))
    return picture


def current(aspect: float, rng: np.random.Generator) -> Current:
    """The composition: two great spirals against each other, three small ones, and noise between them."""
    heading, frequency = rng.uniform(0, 2 * np.pi, 6), rng.uniform(2.0, 6.5, 6)
    x, y = 0.7 * frequency * np.cos(heading), frequency * np.sin(heading)
    waves = np.stack([x, y, rng.uniform(0, 2 * np.pi, 6), 9.0 / frequency], axis=1)
    spirals = np.array(
        [
            (0.30, 0.40, 0.02, 6.5, 3, 1.0, 0.20),
            (0.79, 0.66, 0.02, -5.5, 2, 0.9, 0.15),
            (0.72, 0.17, 0.02, 4.0, -2, 0.5, 0.10),
            (0.07, 0.83, 0.02, 3.5, 2, 0.6, 0.10),
            (0.48, 0.86, 0.02, -4.0, -1, -0.3, 0.10),
        ]
    )
    spirals[:, :2] += rng.uniform(-0.03, 0.03, (len(spirals), 2))
    spirals[:, 0] *= aspect
    return Current(waves, spirals)


def _strokes(layer: Layer, current: Current, size: tuple[int, int], rng: np.random.Generator) -> list[Stroke]:
    """All strokes of a layer, in the order of painting, in px of a canvas of `size` (height, width)."""
    middles = _scatter(layer, size[1] / size[0], rng)
    detail = 0.5 + 0.9 * current.warmth(middles) + 0.7 * np.sin(2 * current.phase(middles) + 1.0)
    middles = middles[rng.random(len(middles)) < 1 - layer.focus * (1 - np.clip(detail, 0, 1))]
    count = len(middles)
    lengths = layer.width * layer.length * rng.uniform(0.6, 1.3, count)
    paths = current.trace(middles, lengths)
    flipped = rng.random(count) < AGAINST
    paths[flipped] = paths[flipped, ::-1]
    # Bends narrow a stroke, but not to a thread: that would leave bare canvas where currents part.
    widths = np.minimum(layer.width * rng.uniform(0.65, 1.25, count), np.maximum(_widest(paths), 0.45 * layer.width))
    pigments = _pigments(current, middles, layer.lift, rng).astype(np.float32)
    return [
        Stroke(path * size[0], float(width) * size[0], pair, layer.body)
        for path, width, pair in zip(paths, widths, pigments, strict=True)
    ]


def _scatter(layer: Layer, aspect: float, rng: np.random.Generator) -> Array:
    """Points (n, 2) in canvas heights, in random order: one in each cell of a grid a little larger than the canvas."""
    count = layer.cover * aspect / (0.7 * layer.width**2 * layer.length)
    columns = int(np.ceil(np.sqrt(count * aspect)))
    rows = int(np.ceil(count / columns))
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    points = (cells + rng.random(cells.shape)) / (columns, rows) * (aspect + 0.1, 1.1) - 0.05
    shuffled: Array = rng.permutation(points)
    return shuffled


def _widest(paths: Array) -> Array:
    """Greatest width (n,) for which paths (n, points, 2) do not fold over themselves in their bends."""
    step = np.diff(paths, axis=1)
    heading = np.arctan2(step[..., 1], step[..., 0])
    turn = np.abs((np.diff(heading, axis=1) + np.pi) % (2 * np.pi) - np.pi)
    sharp = np.quantile(turn, 0.92, axis=1)
    narrow: Array = 1.2 * np.hypot(*step[:, 0].T) / (sharp + 1e-9)
    return narrow


def _pigments(current: Current, points: Array, lift: float, rng: np.random.Generator) -> Array:
    """Two neighboring colors (n, 2, 3) for each point; a ramp is picked, never mixed, which would be mud."""
    count = len(points)
    phase, glow = current.phase(points), current.warmth(points)
    warm = rng.uniform(0.2, 0.6, count) < 0.75 * glow + 0.45 * np.cos(phase + 0.6)
    warm ^= rng.random(count) < ACCENTS
    wave = 0.5 + 0.5 * np.sin(phase)
    cool_tone = 0.08 + 0.62 * wave + rng.normal(0.0, 0.13, count)
    warm_tone = 0.12 + 0.45 * wave + 0.33 * np.clip(glow, 0, 1) + rng.normal(0.0, 0.15, count)
    tone = np.stack([np.zeros(count), rng.normal(0.0, 0.13, count)], axis=1) + lift
    cool_pair, warm_pair = ramp(COOL, tone + cool_tone[:, None]), ramp(WARM, tone + warm_tone[:, None])
    return np.where(warm[:, None, None], warm_pair, cool_pair)


def ramp(colors: tuple[tuple[float, float, float], ...], tone: Array) -> Array:
    """Color (..., 3) at `tone` (...), 0 for the first and 1 for the last of the colors."""
    position = np.linspace(0.0, 1.0, len(colors))
    return np.stack([np.interp(tone, position, channel) for channel in zip(*colors, strict=True)], axis=-1)


def run(make: Callable[..., Array], seed: int, usage: str | None) -> None:
    """Make the file named on the command line; a number after it is the seed.

    Args:
        make: takes a seed; gives a picture (H, W, 3) in [0, 1].
        seed: where none is given.
        usage: printed where the command line is wrong.
    """
    import torch  # here, because the paintings themselves need neither torch nor PIL

    from rnst.image.files import write_image

    if len(sys.argv) not in {2, 3} or not all(word.isdigit() for word in sys.argv[2:]):
        sys.stderr.write(f"{usage}")
        sys.exit(2)
    name, chosen = (*sys.argv[1:], str(seed))[:2]
    picture = make(seed=int(chosen))
    write_image(torch.from_numpy(picture).float().permute(2, 0, 1)[None], Path(name))
    sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    run(paint, SEED, __doc__)
