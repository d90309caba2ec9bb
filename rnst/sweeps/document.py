"""The report of a sweep as Markdown and HTML: from results alone, and the same for the same results."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import torch

from rnst.image.files import read_image
from rnst.metrics.intervals import confidence
from rnst.recorded_paths import names_only
from rnst.reporting.documents import Block, Figure, Heading, Paragraph, Table, write_html, write_markdown
from rnst.reporting.plots import picture_table
from rnst.results import Result
from rnst.sweeps.pages import input_copies, thumbnail
from rnst.sweeps.picking import EDGES_KEPT, PICKED
from rnst.sweeps.report import shown_value, write_fronts

_SCORES = {"style_distance": "style distance", "edge_correlation": "edge correlation", "ssim": "SSIM"}
_MOST_ROWS = 24  # of the sheet
_SEED = "seed"
_Key = TypeVar("_Key")


def write_report(results: Sequence[Result], folder: Path, grid: Sequence[str], title: str) -> tuple[Path, Path]:
    """Write `report.md` and `report.html` with the plot and the sheet beside them.

    Args:
        results: of the whole sweep, with scores and picks.
        folder: of the sweep.
        grid: names of the settings that the sweep varied.
        title: heading.

    Returns:
        The two files.
    """
    plot, sheet = folder / "pareto.png", folder / "sheet.png"
    write_fronts(results, plot)
    rows = _write_sheet(results, folder, sheet)
    encoders, pairs = _in_order(results, lambda one: one.encoder), _in_order(results, _pair)
    blocks: list[Block] = [
        Heading(title, 1),
        Paragraph(
            f"{len(results)} pictures: {len(pairs)} pairs of photo and painting, {len(encoders)} networks"
            + (f", and every combination of {', '.join(grid)}." if grid else ".")
        ),
        Heading("Networks"),
        _networks(results, grid),
        Paragraph(_about_intervals(results, grid)),
        Heading("Trade-off"),
        Figure("Style distance against content distance; each point one setting, mean over all pairs.", plot),
        Heading("Settings"),
        _settings(results, grid),
        Heading("Picks"),
        Paragraph(
            f"Of the pictures with an edge correlation of at least {EDGES_KEPT:g}, the one of lowest style distance; "
            "within 5 % of it, the one with the least Nyquist excess. Where none has it (*), the highest correlation."
        ),
        _picks(results, grid),
        Figure(
            f"The picks{'' if rows == len(pairs) else f' of the first {rows} pairs'}, one row for each pair.", sheet
        ),
    ]
    files = folder / "report.md", folder / "report.html"
    write_markdown(blocks, files[0])
    write_html(blocks, files[1])
    return files


def _networks(results: Sequence[Result], grid: Sequence[str]) -> Table:
    """Mean scores of the picks with their intervals over pairs, and over seeds if the sweep varied them."""
    rows = []
    for encoder in _in_order(results, lambda one: one.encoder):
        own = [result for result in results if result.encoder == encoder]
        picks = [result for result in own if result.scores[PICKED]]
        cells = [_interval([result.scores[name] for result in picks if name in result.scores]) for name in _SCORES]
        if _SEED in grid:
            seeds = _in_order(own, lambda one: one.settings[_SEED])
            means = [
                _mean([one.scores["style_distance"] for one in own if one.settings[_SEED] == seed]) for seed in seeds
            ]
            cells.append(_interval(means))
        rows.append([encoder, str(len(picks)), *cells])
    seeds_column = ["style distance over seeds"] if _SEED in grid else []
    return Table(["network", "pairs", *(f"{label} of the picks" for label in _SCORES.values()), *seeds_column], rows)


def _about_intervals(results: Sequence[Result], grid: Sequence[str]) -> str:
    text = "Means with Student's 95 % intervals over the pairs."
    if _SEED in grid:
        count = len({result.settings[_SEED] for result in results})
        return f"{text} The last column: mean over all pictures of a seed, with the interval over {count} seeds."
    return f"{text} One seed; the spread between seeds was not measured."


def _settings(results: Sequence[Result], grid: Sequence[str]) -> Table:
    """Mean scores over all pairs of each network and combination of the grid."""
    cells: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        cells.setdefault(
            (result.encoder, *(shown_value(names_only(result.settings)[name]) for name in grid)), []
        ).append(result)
    rows = [
        [*key, *(_number(_mean([one.scores[name] for one in members if name in one.scores])) for name in _SCORES)]
        for key, members in cells.items()
    ]
    return Table(["network", *(name.replace("_", " ") for name in grid), *_SCORES.values()], rows)


def _picks(results: Sequence[Result], grid: Sequence[str]) -> Table:
    rows = [
        [
            result.content,
            " + ".join(result.styles),
            result.encoder + ("" if result.scores["edge_correlation"] >= EDGES_KEPT else " *"),
            *(shown_value(names_only(result.settings)[name]) for name in grid),
            *(_number(result.scores.get(name, math.nan)) for name in _SCORES),
        ]
        for result in results
        if result.scores[PICKED]
    ]
    return Table(["photo", "painting", "network", *(name.replace("_", " ") for name in grid), *_SCORES.values()], rows)


def _write_sheet(results: Sequence[Result], folder: Path, path: Path) -> int:
    """Write the sheet of the picks, photo first; return its number of rows."""
    encoders, pairs = _in_order(results, lambda one: one.encoder), _in_order(results, _pair)[:_MOST_ROWS]
    picks = {(*_pair(one), one.encoder): one for one in results if one.scores[PICKED]}
    inputs, blank = input_copies(results, folder), torch.full((1, 3, 8, 8), 0.5)
    rows = {}
    for pair in pairs:
        found = [picks.get((*pair, encoder)) for encoder in encoders]
        photo = next((inputs[one.image] for one in found if one is not None and one.image in inputs), None)
        pictures = [None if one is None else thumbnail(one, folder) for one in found]
        rows[" / ".join(pair)] = [blank if file is None else read_image(file) for file in (photo, *pictures)]
    picture_table(path, rows, {}, ["photo", *encoders])
    return len(pairs)


def _pair(result: Result) -> tuple[str, str]:
    return result.content, " + ".join(result.styles)


def _in_order(results: Sequence[Result], key: Callable[[Result], _Key]) -> list[_Key]:
    return list(dict.fromkeys(map(key, results)))


def _interval(values: Sequence[float]) -> str:
    if not values:
        return "-"
    found = confidence(values)
    return _number(found.mean) if math.isnan(found.half) else f"{found.mean:.3f} \N{PLUS-MINUS SIGN} {found.half:.3f}"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
