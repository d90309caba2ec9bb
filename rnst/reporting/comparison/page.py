"""One static page that compares runs: curves over each other, differing settings, final values, pictures. No script."""

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rnst.errors import MissingPathError
from rnst.reporting.comparison.runs import OF_THE_PICKS, PICTURE, SWEEP, TRAINING, ComparedRun
from rnst.reporting.comparison.vector_plots import plot, sample
from rnst.reporting.gallery.measures import measure
from rnst.reporting.gallery.pictures import picture_type
from rnst.reporting.web_page import write_web_page

_STYLE = "\n" + (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_LOWER = ("loss", "seconds", "memory")
_NEITHER = ("pictures", "loss ", "style_loss_reduction")  # losses of different weights and networks do not compare
_NO_VALUE = "\N{EN DASH}"


def write_comparison(runs: Sequence[ComparedRun], output: Path, title: str) -> Path:
    """Write the page; pictures are embedded, so that it can be sent as one file.

    Args:
        runs: at least one; runs of a kind are compared with each other.
        output: HTML file.
        title: heading.

    Raises:
        MissingPathError: there are no runs.
    """
    if not runs:
        raise MissingPathError(output, "run to compare", "Give at least one.")
    kinds = {kind: _distinct([run for run in runs if run.kind == kind]) for kind in (TRAINING, PICTURE, SWEEP)}
    sections = "\n".join(_section(kind, found) for kind, found in kinds.items() if found)
    body = f"<main>\n<h1>{html.escape(title)}</h1>\n{sections}\n</main>"
    write_web_page(output, title, body, _STYLE)
    return output


def _distinct(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The same runs with names that differ."""
    names = [run.name for run in runs]
    return [
        replace(
            run, name=run.name if names.count(run.name) == 1 else f"{run.name} ({names[:index].count(run.name) + 1})"
        )
        for index, run in enumerate(runs)
    ]


def _section(kind: str, runs: Sequence[ComparedRun]) -> str:
    parts = {
        "Curves": _curves(runs),
        "Final values": _values(runs),
        "Settings that differ": _settings(runs),
        "Pictures": _pictures(runs, wide=kind != PICTURE),
    }
    inside = "\n".join(f"<h3>{name}</h3>\n{content}" for name, content in parts.items() if content)
    return f"<section>\n<h2>{kind}</h2>\n{inside}\n</section>"


def _curves(runs: Sequence[ComparedRun]) -> str:
    labels = list(dict.fromkeys(label for run in runs for label, curve in run.curves.items() if curve[0]))
    if not labels:
        return ""
    legend = "".join(f"<li>{sample(number)}{html.escape(run.name)}</li>" for number, run in enumerate(runs))
    plots = [
        plot(
            label, {number: run.curves[label] for number, run in enumerate(runs) if run.curves.get(label, ((), ()))[0]}
        )
        for label in labels
    ]
    return f'<ul class="legend">{legend}</ul>\n<div class="plots">{"".join(plots)}</div>'


def _values(runs: Sequence[ComparedRun]) -> str:
    names = list(dict.fromkeys(name for run in runs for name in run.values))
    rows = []
    for name in names:
        found = [run.values.get(name) for run in runs]
        best = _best(name, [value for value in found if value is not None]) if len(runs) > 1 else None
        rows.append((_label(name), [_cell(value, best) for value in found]))
    return _table(runs, rows, "value") if rows else ""


def _label(name: str) -> str:
    higher = _is_higher(name)
    arrow = "" if higher is None else " \N{UPWARDS ARROW}" if higher else " \N{DOWNWARDS ARROW}"
    return html.escape(str(measure(name)["label"])) + arrow


def _is_higher(name: str) -> bool | None:
    """Whether more is better; None where neither is."""
    name = name.partition(OF_THE_PICKS)[0]  # what follows names a network
    if name.startswith(_NEITHER):
        return None
    if name.startswith("images"):
        return True
    return False if any(word in name for word in _LOWER) else bool(measure(name)["higher"])


def _best(name: str, values: Sequence[float]) -> float | None:
    choose: Callable[[Sequence[float]], float] = max if _is_higher(name) else min
    return choose(values) if _is_higher(name) is not None and len(set(values)) > 1 else None


def _cell(value: float | None, best: float | None) -> str:
    if value is None:
        return _NO_VALUE
    return f"{value:.4g}" + (' <span class="best">best</span>' if value == best else "")


def _settings(runs: Sequence[ComparedRun]) -> str:
    names = list(dict.fromkeys(name for run in runs for name in run.settings))
    values: Mapping[str, list[str | None]] = {name: [run.settings.get(name) for run in runs] for name in names}
    rows = [
        (html.escape(name), [_NO_VALUE if value is None else html.escape(value) for value in found])
        for name, found in values.items()
        if len(set(found)) > 1
    ]
    if not rows:
        return "<p>None.</p>" if len(runs) > 1 else ""
    return _table(runs, rows, "setting")


def _table(runs: Sequence[ComparedRun], rows: Sequence[tuple[str, Sequence[str]]], corner: str) -> str:
    heads = "".join(f'<th scope="col">{html.escape(run.name)}</th>' for run in runs)
    lines = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' for name, cells in rows
    )
    return (
        '<p class="note">A table that is wider than the page scrolls sideways.</p>\n'
        f'<div class="scroller" tabindex="0" role="region" aria-label="{corner}s"><table><thead><tr>'
        f'<th scope="col">{corner}</th>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _pictures(runs: Sequence[ComparedRun], *, wide: bool) -> str:
    figures = [_figure(run.name, caption, path) for run in runs for caption, path in run.pictures.items()]
    return f'<div class="pictures{" wide" if wide else ""}">{"".join(figures)}</div>' if figures else ""


def _figure(name: str, caption: str, path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    words = html.escape(caption)
    return (
        f"<figure><figcaption><b>{html.escape(name)}</b>{words}</figcaption>"
        f'<img src="data:{picture_type(path)};base64,{content}" alt="{html.escape(name)}: {words}"></figure>'
    )
