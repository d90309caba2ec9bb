"""Report on layers: rows for a table, curves over depth, and a sheet of pictures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from rnst.image.files import read_image
from rnst.metrics.score_table import SCORE_TABLE
from rnst.reporting.panels import Panel, curve_panels
from rnst.reporting.plots import Caption, Curve, picture_table
from rnst.studies.layers.sensitivity import LayerReport
from rnst.studies.layers.stylizing import LayerPicture, scores_by_layer

STYLE, EDGES = "relative_style_distance", "edge_correlation"
_DEPTH = "depth, as share of the convolutions passed"


def rows(reports: Sequence[LayerReport], pictures: Sequence[LayerPicture]) -> list[dict[str, object]]:
    """One row for each network and layer; with scores of pictures if there are pictures."""
    scores = scores_by_layer(pictures)
    return [
        {
            "encoder": one.encoder,
            "layer": one.layer,
            "depth": one.depth,
            **{f"change at {radius:g}": change.mean_largest for radius, change in one.changes.items()},
            **{f"random change at {radius:g}": change.mean_random for radius, change in one.changes.items()},
            "entropy": one.entropy,
            "peak": one.peak,
            **{name: value for name, value in scores.get((one.encoder, one.layer), {}).items() if name in SCORE_TABLE},
        }
        for one in reports
    ]


def draw_curves(reports: Sequence[LayerReport], pictures: Sequence[LayerPicture], image_size: int, path: Path) -> None:
    """Plot all measurements against the depth of the layer, one line for each network."""
    radii = list(reports[0].changes)
    panels = [
        Panel(
            f"L2 radius {radius:g} at {image_size} px",
            _DEPTH,
            "relative change of the layer",
            _curves(reports, lambda one, radius=radius: one.changes[radius].mean_largest),  # type: ignore[misc]
            _curves(reports, lambda one, radius=radius: one.changes[radius].mean_random),  # type: ignore[misc]
            log=True,
        )
        for radius in radii
    ]
    panels += [
        Panel("spread of the activation", _DEPTH, "entropy of its softmax, 1 is even", _curves(reports, _entropy)),
        Panel("peak", _DEPTH, "largest over mean activation", _curves(reports, _peak), log=True),
    ]
    scores = scores_by_layer(pictures)
    if scores:
        named = {STYLE: ("one style layer alone", "style distance, the photo has 1"), EDGES: ("", "edges kept")}
        panels += [
            Panel(title, _DEPTH, label, _curves(reports, lambda one, name=name: scores[one.encoder, one.layer][name]))  # type: ignore[misc]
            for name, (title, label) in named.items()
        ]
    curve_panels(path, panels, dashed="random perturbations of that length")


def draw_sheet(pictures: Sequence[LayerPicture], path: Path) -> None:
    """Write the picture of each layer: a row for each network, from the first layer to the deepest."""
    by_encoder: dict[str, list[LayerPicture]] = {}
    for one in pictures:
        by_encoder.setdefault(one.encoder, []).append(one)
    columns = max(map(len, by_encoder.values()))
    images: dict[str, list[Tensor]] = {}
    captions: dict[str, list[Caption]] = {}
    for encoder, members in by_encoder.items():
        found = [read_image(one.result.image) for one in members]
        missing = columns - len(found)
        images[encoder] = [*found, *[torch.ones_like(found[0])] * missing]
        captions[encoder] = [(_caption(one), one.result.scores[STYLE] < 1.0) for one in members] + [
            ("", True)
        ] * missing
    picture_table(path, images, captions, [""] * columns)


def _caption(one: LayerPicture) -> str:
    return f"{one.layer}: {one.result.scores[STYLE]:.2f}"


def _curves(reports: Sequence[LayerReport], value: Callable[[LayerReport], float]) -> Mapping[str, Curve]:
    found: dict[str, tuple[list[float], list[float]]] = {}
    for one in reports:
        positions, values = found.setdefault(one.encoder, ([], []))
        positions.append(one.depth)
        values.append(value(one))
    return found


def _entropy(one: LayerReport) -> float:
    return one.entropy


def _peak(one: LayerReport) -> float:
    return one.peak
