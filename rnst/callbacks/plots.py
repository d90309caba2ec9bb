"""Curves as a picture: the only file that imports matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rnst.files import written_aside

Curve = tuple[Sequence[float], Sequence[float]]

_INCHES = (7.0, 4.2)
_DOTS_PER_INCH = 150
# Colors and marks that stay apart for color-blind readers and in print (Okabe and Ito's palette).
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LEGEND_COLUMNS = 4


def line_plot(
    path: Path,
    series: Mapping[str, Curve],
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    percent: bool = False,
) -> None:
    """Write curves over one pair of axes as PNG (or what the ending of `path` says), complete or not at all.

    Args:
        path: file to write.
        series: name in the legend -> (positions, values), two sequences of equal length.
        x_label: what the positions are, with their unit.
        y_label: what the values are, with their unit.
        title: written above the axes.
        percent: the values are shares in [0, 1], shown as 0 to 100 %.
    """
    figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    axes: Axes = figure.subplots()
    for number, (name, (positions, values)) in enumerate(series.items()):
        color, mark = _COLORS[number % len(_COLORS)], _MARKS[number % len(_MARKS)]
        axes.plot(positions, values, color=color, marker=mark, markersize=4.5, linewidth=1.8, label=name)
    axes.set(xlabel=x_label, ylabel=y_label)
    if percent:
        axes.set_ylim(0.0, 1.0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(color="#d9d9d9", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if title:
        axes.set_title(title)
    if len(series) > 1:
        figure.legend(loc="outside lower center", ncols=min(len(series), _LEGEND_COLUMNS), frameon=False)
    with written_aside(path) as aside:
        figure.savefig(aside)
