"""Contribution of each style layer to the style distance, from a sweep over sets of layers."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE
from rich.table import Table

from rnst.results import Result
from rnst.sweeps.picking import PICKED

_DISTANCE = "relative_style_distance"


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
    table = Table(title="style layers: fall of the style distance when one is added", title_justify="left", box=SIMPLE)
    for name in ("layer", "mean gain", "sets"):
        table.add_column(name, justify="left" if name == "layer" else "right")
    for layer, (gain, count) in sorted(gains.items(), key=lambda item: -item[1][0]):
        table.add_row(layer, f"{gain:+.3f}", str(count))
    return table


def _gains(layer: str, means: Mapping[frozenset[str], float]) -> list[float]:
    return [
        value - means[layers | {layer}]
        for layers, value in means.items()
        if layer not in layers and layers | {layer} in means
    ]
