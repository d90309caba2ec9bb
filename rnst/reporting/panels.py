"""Several small plots in one figure: curves side by side, or bars that compare changes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rnst.files import written_aside
from rnst.reporting.plots import COLORS, DOTS_PER_INCH, MARKS, Curve, legend

_INCHES = (4.4, 3.1)  # of one panel of curves
_BAR = 0.11  # inches of one bar
_GAP = 1.5  # bars between two groups
_BAR_PANEL = 2.7  # inches across
_NAMES = 2.2  # inches for the names of the groups


@dataclass(frozen=True)
class Panel:
    """One small plot of curves.

    Attributes:
        title: above it.
        x_label: what the positions are, with their unit.
        y_label: what the values are, with their unit.
        curves: name in the legend -> (positions, values); one name has one color on the whole sheet.
        dashed: the same for thin dashed curves, each a baseline of the curve of the same name.
        log: values on a logarithmic axis.
    """

    title: str
    x_label: str
    y_label: str
    curves: Mapping[str, Curve]
    dashed: Mapping[str, Curve] = field(default_factory=dict)
    log: bool = False


def curve_panels(path: Path, panels: Sequence[Panel], *, columns: int = 2, dashed: str = "") -> None:
    """Write small plots of curves as PNG (or the format of the suffix of `path`), complete or not at all.

    Args:
        path: file to write.
        panels: row by row.
        columns: panels in a row.
        dashed: label of the dashed curves in the legend; "" if there are none.
    """
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(_INCHES[0] * columns, _INCHES[1] * rows), dpi=DOTS_PER_INCH, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    looks = {name: (COLORS[n % len(COLORS)], MARKS[n % len(MARKS)]) for n, name in enumerate(names)}
    for place, axes in enumerate(grid.flat):
        if place < len(panels):
            _draw(axes, panels[place], looks)
        else:
            axes.set_axis_off()
    handles = [Line2D([], [], color=color, marker=mark, label=name) for name, (color, mark) in looks.items()]
    if dashed:
        handles.append(Line2D([], [], color="#555555", linestyle="--", linewidth=1.0, label=dashed))
    legend(figure, len(handles), handles=handles)
    with written_aside(path) as aside:
        figure.savefig(aside)


def bar_panels(
    path: Path,
    panels: Mapping[str, Mapping[str, Sequence[float | None]]],
    groups: Sequence[str],
    *,
    references: Mapping[str, float] | None = None,
    reference: str = "",
) -> None:
    """Write horizontal bars as PNG (or the format of the suffix of `path`), complete or not at all.

    Args:
        path: file to write.
        panels: label of the bar lengths, with unit -> name in the legend -> one length for each group, None for no
            bar.
        groups: the compared groups, from top to bottom.
        references: panel -> length marked by a dotted line.
        reference: label of the dotted line in the legend.
    """
    names = list(dict.fromkeys(name for series in panels.values() for name in series))
    pitch = len(names) + _GAP
    height = _BAR * pitch * len(groups) + 1.1
    figure = Figure(figsize=(_NAMES + _BAR_PANEL * len(panels), height), dpi=DOTS_PER_INCH, layout="constrained")
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)
    for axes, (label, series) in zip(grid.flat, panels.items(), strict=True):
        for number, name in enumerate(names):
            found = [(row, value) for row, value in enumerate(series.get(name, ())) if value is not None]
            places = [row * pitch + number for row, _ in found]
            axes.barh(places, [value for _, value in found], height=0.92, color=COLORS[number % len(COLORS)])
        if references and label in references:
            axes.axvline(references[label], color="#333333", linestyle=":", linewidth=1.2)
        axes.axvline(0.0, color="#333333", linewidth=0.8)
        axes.set_xlabel(label, fontsize=8)
        axes.set_yticks([row * pitch + (len(names) - 1) / 2 for row in range(len(groups))], groups)
        axes.tick_params(labelsize=8)
        _frame(axes, "x")
    grid[0, 0].invert_yaxis()
    handles = [Line2D([], [], color=COLORS[n % len(COLORS)], linewidth=6, label=name) for n, name in enumerate(names)]
    if reference:
        handles.append(Line2D([], [], color="#333333", linestyle=":", label=reference))
    legend(figure, len(handles), handles=handles, fontsize=8)
    with written_aside(path) as aside:
        figure.savefig(aside)


def _draw(axes: Axes, panel: Panel, looks: Mapping[str, tuple[str, str]]) -> None:
    for name, (positions, values) in panel.curves.items():
        color, mark = looks[name]
        axes.plot(positions, values, color=color, marker=mark, markersize=4, linewidth=1.6)
    for name, (positions, values) in panel.dashed.items():
        axes.plot(positions, values, color=looks[name][0], linestyle="--", linewidth=1.0)
    if panel.log:
        axes.set_yscale("log")
    axes.set_title(panel.title, fontsize=9)
    axes.set_xlabel(panel.x_label, fontsize=8)
    axes.set_ylabel(panel.y_label, fontsize=8)
    axes.tick_params(labelsize=8)
    _frame(axes, "both")


def _frame(axes: Axes, grid: str) -> None:
    axes.grid(axis=grid, color="#d9d9d9", linewidth=0.6)  # type: ignore[arg-type]  # "x" and "both" are known
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
