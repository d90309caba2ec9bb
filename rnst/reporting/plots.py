"""Plots of curves and points. Only this module and panels import matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from torch import Tensor

from rnst.files import written_aside

Curve = tuple[Sequence[float], Sequence[float]]
Caption = tuple[str, bool]
Front = tuple[Sequence[tuple[float, float]], Sequence[int]]

_INCHES = (7.0, 4.2)
DOTS_PER_INCH = 150
# Colors and markers that color-blind readers and prints distinguish (Okabe and Ito's palette).
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LEGEND_COLUMNS = 4
_GOOD, _BAD = "#00664b", "#b02a00"
_INCHES_OF_PICTURE = 1.3
_PROGRAM = "rnst.reporting.plots"
_MARK = {".png": "Software", ".pdf": "Creator", ".svg": "Creator"}  # entry of a file that names the program


def line_plot(
    path: Path,
    series: Mapping[str, Curve],
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    percent: bool = False,
) -> None:
    """Write curves over one pair of axes as PNG (or the format of the suffix of `path`), complete or not at all.

    Args:
        path: file to write.
        series: name in the legend -> (positions, values), two sequences of equal length.
        x_label: what the positions are, with their unit.
        y_label: what the values are, with their unit.
        title: written above the axes.
        percent: the values are shares in [0, 1], shown as 0 to 100 %.
    """
    figure = Figure(figsize=_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes: Axes = figure.subplots()
    for number, (name, (positions, values)) in enumerate(series.items()):
        color, mark = COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]
        axes.plot(positions, values, color=color, marker=mark, markersize=4.5, linewidth=1.8, label=name)
    axes.set(xlabel=x_label, ylabel=y_label)
    if all(float(position).is_integer() for positions, _ in series.values() for position in positions):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if percent:
        axes.set_ylim(0.0, 1.0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    _finish(figure, axes, title, len(series))
    _save(figure, path)


def front_plot(path: Path, fronts: Mapping[str, Front], *, x_label: str, y_label: str, title: str = "") -> None:
    """Write points of several kinds with their Pareto fronts as lines, complete or not at all.

    Args:
        path: file to write.
        fronts: name in the legend -> (all points, indices of those on the front from left to right).
        x_label: first coordinate, with its unit.
        y_label: second coordinate, with its unit.
        title: written above the axes.
    """
    figure = Figure(figsize=_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes: Axes = figure.subplots()
    for number, (name, (points, front)) in enumerate(fronts.items()):
        color, mark = COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]
        across, up = zip(*points, strict=True)
        axes.scatter(across, up, s=22, color=color, marker=mark, alpha=0.35, linewidths=0)
        axes.plot(
            *zip(*(points[index] for index in front), strict=True), color=color, marker=mark, markersize=5, label=name
        )
    axes.set(xlabel=x_label, ylabel=y_label)
    _finish(figure, axes, title, len(fronts))
    _save(figure, path)


def labeled_points(
    path: Path, points: Mapping[str, tuple[float, float]], *, x_label: str, y_label: str, title: str = ""
) -> None:
    """Write points with their names in the legend as PNG, complete or not at all.

    Args:
        path: file to write.
        points: name -> two shares in [0, 1], shown as percentages.
        x_label: what the first share is.
        y_label: what the second share is.
        title: written above the axes.
    """
    figure = Figure(figsize=_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    axes: Axes = figure.subplots()
    for number, (name, (across, up)) in enumerate(points.items()):
        color, mark = COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]
        axes.scatter([across], [up], s=44, color=color, marker=mark, label=name)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.margins(0.15)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    _finish(figure, axes, title, len(points))
    _save(figure, path)


def is_plot(path: Path) -> bool:
    """Whether a file is a plot that this module wrote: it names the program."""
    return _PROGRAM.encode() in path.read_bytes()


def _save(figure: Figure, path: Path, dpi: float | None = None) -> None:
    """Write a figure, complete or not at all; it names this program, so that the next run may replace it."""
    with written_aside(path) as aside:
        figure.savefig(aside, metadata={_MARK[path.suffix.lower()]: _PROGRAM}, dpi=dpi or "figure")


def _finish(figure: Figure, axes: Axes, title: str, kinds: int) -> None:
    axes.grid(color="#d9d9d9", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if title:
        axes.set_title(title, fontsize="medium")
    if kinds > 1:
        legend(figure, kinds)


def legend(figure: Figure, entries: int, **options: Any) -> None:
    """A legend below the axes, in as many columns as its names leave room for.

    Args:
        figure: with labeled artists, or with `handles` in the options.
        entries: number of names.
        options: of `Figure.legend`.
    """
    for count in range(min(entries, _LEGEND_COLUMNS), 0, -1):
        made = figure.legend(loc="outside lower center", ncols=count, frameon=False, **options)
        if count == 1 or made.get_window_extent().width <= figure.bbox.width:
            return
        made.remove()


def picture_table(
    path: Path, rows: Mapping[str, Sequence[Tensor]], captions: Mapping[str, Sequence[Caption]], top: Sequence[str]
) -> None:
    """Write rows of small pictures with captions as PNG, complete or not at all.

    Args:
        path: file to write.
        rows: label of the row -> its pictures, each (1, 3, H, W) in [0, 1], of equal size.
        captions: row -> for each of its pictures, the words below it and whether they are good news. Optional by row.
        top: labels above the columns.
    """
    columns = len(top)
    figure = Figure(figsize=(_INCHES_OF_PICTURE * columns + 0.6, _INCHES_OF_PICTURE * 1.15 * len(rows) + 0.3))
    figure.set_layout_engine("constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for row, (name, pictures) in enumerate(rows.items()):
        for column, picture in enumerate(pictures):
            axes: Axes = grid[row, column]
            axes.imshow(picture[0].permute(1, 2, 0).clamp(0.0, 1.0).numpy())
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(top[column], fontsize=8)
            if column == 0:
                axes.set_ylabel(name, fontsize=8)
            if name in captions:
                words, good = captions[name][column]
                axes.set_xlabel(words, fontsize=8, color=_GOOD if good else _BAD)
    _save(figure, path, DOTS_PER_INCH)
