"""Output of a sweep beside its pictures: tables of results, picks and style layers, a plot of trade-offs, a page."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from rnst.files import written_aside
from rnst.metrics.pareto import Point, hypervolume, pareto_front
from rnst.outputs import check_output
from rnst.recorded_paths import names_only
from rnst.reporting.plots import COLORS, Front, front_plot, is_plot
from rnst.reporting.web_page import is_page
from rnst.results import Result
from rnst.sweeps.picking import EDGES_KEPT, PICKED, grouped

# The worst values that count in the hypervolume: no style transferred, no content kept.
_REFERENCE = (1.0, 1.0)
_SHOWN = {"style_distance": "style", "edge_correlation": "edges", "nyquist_excess_columns_db": "Nyquist dB"}
_DISTANCE = "relative_style_distance"
_LOOK: Any = {"title_justify": "left", "box": SIMPLE, "pad_edge": False}


def check_report(folder: Path) -> None:
    """Refuse a folder in which a table, a plot, a page or the report would replace a file of the user.

    Raises:
        InvalidValueError: names the file.
    """
    kinds = {
        **{"results.csv": _is_table, "report.md": _is_report, "pareto.png": is_plot, "sheet.png": is_plot},
        **dict.fromkeys(("index.html", "picked.html", "report.html"), is_page),
    }
    for name, is_ours in kinds.items():
        check_output("--output", folder / name, {}, is_ours)


def _is_report(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().startswith("# Sweep ")


def _is_table(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().startswith("content,style,encoder,")


def distances(result: Result) -> Point:
    """Content distance (one minus the edge correlation) and style distance relative to that of the unchanged photo."""
    return 1.0 - result.scores["edge_correlation"], result.scores[_DISTANCE]


def picks_table(results: Sequence[Result], grid: Sequence[str]) -> Table:
    """The picked results, one row each, grouped by content and style.

    Args:
        results: with scores and picks.
        grid: names of the settings that the sweep varied.
    """
    table = Table("content / style", "encoder", *grid, *_SHOWN.values(), title="picked", **_LOOK)
    previous: tuple[object, ...] = ()
    for result in results:
        if not result.scores[PICKED]:
            continue
        pair = (result.content, result.styles)
        if previous and pair != previous:
            table.add_section()
        previous = pair
        mark = "" if result.scores["edge_correlation"] >= EDGES_KEPT else " *"
        values = [shown_value(names_only(result.settings)[name]) for name in grid]
        scores = [f"{result.scores[name]:.3f}" for name in _SHOWN]
        table.add_row(f"{result.content} / {' + '.join(result.styles)}", result.encoder + mark, *values, *scores)
    if any(result.scores[PICKED] and result.scores["edge_correlation"] < EDGES_KEPT for result in results):
        table.caption = f"* no picture of this row's grid keeps an edge correlation of {EDGES_KEPT:g}"
    return table


def verdict_table(results: Sequence[Result]) -> Table:
    """For each encoder: in how many pairs its pick is closest to the style, and its mean dominated area."""
    columns = ("encoder", "closest to style", "median distance", "hypervolume")
    table = Table(*columns, title="verdict", **_LOOK)
    groups = grouped(results)
    pairs = {(content, styles) for content, styles, _ in groups}
    best = {group: min(members, key=lambda r: -r.scores[PICKED]) for group, members in groups.items()}
    for encoder in dict.fromkeys(result.encoder for result in results):
        won, styles_left, areas = 0, [], []
        for content, styles in pairs:
            rivals = {name: best[c, s, name] for c, s, name in groups if (c, s) == (content, styles)}
            if encoder not in rivals:
                continue
            won += min(rivals, key=lambda name: rivals[name].scores["style_distance"]) == encoder
            styles_left.append(rivals[encoder].scores["style_distance"])
            areas.append(hypervolume([distances(member) for member in groups[content, styles, encoder]], _REFERENCE))
        table.add_row(encoder, f"{won} of {len(pairs)}", f"{median(styles_left):.3f}", f"{sum(areas) / len(areas):.3f}")
    return table


def layer_gains(results: Sequence[Result]) -> dict[str, tuple[float, int]]:
    """Layer -> mean decrease of the style distance when it is added to a set of style layers, and number of such sets.

    The mean is taken over all pairs of sets in the sweep that differ in this layer alone: the Shapley value, except for
    the weighting by set size. Distances are those of picked pictures, averaged over photos, paintings and all else.

    Args:
        results: with scores and picks; results with the encoder's default layers are left out.
    """
    found: dict[frozenset[str], list[float]] = {}
    for result in results:
        layers = result.settings["style_layers"]
        if layers and result.scores[PICKED]:
            found.setdefault(frozenset(layers), []).append(result.scores[_DISTANCE])
    means = {layers: sum(values) / len(values) for layers, values in found.items()}
    names = list(dict.fromkeys(name for result in results for name in result.settings["style_layers"] or ()))
    gains = {name: _gains(name, means) for name in names}
    return {name: (sum(values) / len(values), len(values)) for name, values in gains.items() if values}


def gains_table(gains: Mapping[str, tuple[float, int]]) -> Table:
    """Table of `layer_gains`, the largest gain first."""
    table = Table(title="style layers: fall of the style distance when one is added", **_LOOK)
    for name in ("layer", "mean gain", "sets"):
        table.add_column(name, justify="left" if name == "layer" else "right")
    for layer, (gain, count) in sorted(gains.items(), key=lambda item: -item[1][0]):
        table.add_row(layer, f"{gain:+.3f}", str(count))
    return table


def write_table(results: Sequence[Result], path: Path, grid: Sequence[str]) -> None:
    """All results as CSV: names, varied settings, seconds, losses and scores."""
    losses = sorted({name for result in results for name in result.losses})
    scores = list(dict.fromkeys(name for result in results for name in result.scores))
    with written_aside(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        named = [f"loss_{name}" for name in losses]
        writer.writerow(["content", "style", "encoder", *grid, "seconds", *named, *scores, "image"])
        for result in results:
            writer.writerow(
                [
                    result.content,
                    " + ".join(result.styles),
                    result.encoder,
                    *(names_only(result.settings)[name] for name in grid),
                    result.seconds,
                    *(result.losses.get(name, "") for name in losses),
                    *(result.scores.get(name, "") for name in scores),
                    result.image.relative_to(path.parent),
                ]
            )


def write_fronts(results: Sequence[Result], path: Path) -> None:
    """Plot style distance against content distance for every encoder, with its Pareto front.

    With more encoders than readers can distinguish, those with the largest hypervolumes are drawn.
    """
    means = {
        encoder: _mean_over_pairs([result for result in results if result.encoder == encoder])
        for encoder in dict.fromkeys(result.encoder for result in results)
    }
    best = sorted(means, key=lambda encoder: -hypervolume(means[encoder], _REFERENCE))[: len(COLORS)]
    fronts: dict[str, Front] = {name: (means[name], pareto_front(means[name])) for name in means if name in best}
    drawn = "" if len(best) == len(means) else f" (the {len(best)} best of {len(means)})"
    front_plot(
        path,
        fronts,
        x_label="content distance (1 - edge correlation)",
        y_label="style distance (1 is the untouched photo)",
        title=f"Each point one setting of the grid, mean over all pairs; lower left is better{drawn}",
    )


def _gains(layer: str, means: Mapping[frozenset[str], float]) -> list[float]:
    return [
        value - means[layers | {layer}]
        for layers, value in means.items()
        if layer not in layers and layers | {layer} in means
    ]


def _mean_over_pairs(results: Sequence[Result]) -> list[Point]:
    """Mean distances of each combination of the grid over contents and styles."""
    settings: dict[str, list[Point]] = {}
    for result in results:
        settings.setdefault(result.image.name, []).append(distances(result))
    return [_mean(points) for points in settings.values()]


def _mean(points: Sequence[Point]) -> Point:
    first, second = zip(*points, strict=True)
    return sum(first) / len(points), sum(second) / len(points)


def shown_value(value: object) -> str:
    """The value of a setting as text."""
    if isinstance(value, list):
        return "+".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def as_rows(results: Sequence[Result], grid: Sequence[str]) -> list[Mapping[str, object]]:
    """Names, varied settings and scores of each result, for an experiment tracker."""
    return [
        {
            "content": result.content,
            "style": " + ".join(result.styles),
            "encoder": result.encoder,
            **{name: names_only(result.settings)[name] for name in grid},
            **result.scores,
        }
        for result in results
    ]
