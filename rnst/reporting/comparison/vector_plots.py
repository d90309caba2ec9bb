"""Curves of several runs over each other, as SVG that needs no script."""

import html
import math
from collections.abc import Mapping

from rnst.reporting.metric_tables import Points

# Okabe and Ito's palette, which color-blind readers distinguish; the dashes tell curves apart without color.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#3a9bd9", "#777777")
DASHES = ("", "8 4", "2 3", "10 3 2 3", "5 5", "12 4", "1 4")
_WIDTH, _HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 40
_DOT = 3.0  # radius of the mark of a curve of one point
_LARGE_RANGE = 20.0  # of positive values; beyond, the axis is logarithmic


def plot(title: str, curves: Mapping[int, Points]) -> str:
    """One figure.

    Args:
        title: what the values are.
        curves: number of the run, which is its color -> positions and values, at least one curve with a point.
    """
    xs = [x for positions, _ in curves.values() for x in positions]
    ys = [y for _, values in curves.values() for y in values]
    is_log = min(ys) > 0 and max(ys) / min(ys) > _LARGE_RANGE
    low, high = (math.log10(min(ys)), math.log10(max(ys))) if is_log else (min(ys), max(ys))
    first, last = min(xs), max(xs)

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (last - first) if last > first else 0.5
        up = ((math.log10(y) if is_log else y) - low) / (high - low) if high > low else 0.5
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    drawn = "".join(
        _curve(number, [place(x, y) for x, y in zip(*curve, strict=True)]) for number, curve in curves.items()
    )
    kind = ", logarithmic" if is_log else ""
    name = html.escape(title[0].upper() + title[1:] + kind)
    return (
        f'<figure><figcaption>{name}</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{name}">'
        f"{_axes((first, last), (min(ys), max(ys)))}{drawn}</svg></figure>"
    )


def sample(number: int) -> str:
    """A short line in the color and dashes of a run, for a legend."""
    return f'<svg class="sample" viewBox="0 0 40 10" aria-hidden="true"><path d="M0 5H40" {_look(number)}/></svg>'


def _curve(number: int, points: list[tuple[float, float]]) -> str:
    if len(points) == 1:
        x, y = points[0]
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DOT}" fill="{COLORS[number % len(COLORS)]}"/>'
    return f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" {_look(number)}/>'


def _look(number: int) -> str:
    color, dash = COLORS[number % len(COLORS)], DASHES[(number + number // len(COLORS)) % len(DASHES)]
    return f'fill="none" stroke="{color}" stroke-width="2" stroke-dasharray="{dash}"'


def _axes(steps: tuple[float, float], values: tuple[float, float]) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    labels = (
        (_LEFT - 7, bottom, "end", f"{values[0]:.3g}"),
        (_LEFT - 7, _TOP + 9, "end", f"{values[1]:.3g}"),
        (_LEFT, bottom + 17, "middle", f"{steps[0]:g}"),
        (right, bottom + 17, "end", f"{steps[1]:g}"),
        ((_LEFT + right) / 2, bottom + 33, "middle", "step"),
    )
    text = "".join(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{label}</text>' for x, y, anchor, label in labels)
    return f'<path class="axes" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>{text}'
