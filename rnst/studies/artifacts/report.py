"""Bars of the excess by fix, and a sheet with every pixel visible."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from rnst.image.files import read_image
from rnst.metrics.artifacts import high_frequency_fraction
from rnst.reporting.panels import bar_panels
from rnst.reporting.plots import Caption, picture_table
from rnst.studies.artifacts.textures import CHECKERBOARD, FINE, STRIPES, Texture, mean_scores, zoomed

_BARS = {
    STRIPES: "stripes of one pixel, dB",
    CHECKERBOARD: "checkerboard of one pixel, dB",
    FINE: "share of energy finer than 4 px",
}
_LOW_EXCESS = 3.0  # dB
_MUCH_GRAIN = 3.0  # relative to the painting's


def draw_bars(textures: Sequence[Texture], painting: Mapping[str, float], path: Path) -> None:
    """Excess and fine grain by fix, a bar for each network; a dotted line marks the painting's own values."""
    means = mean_scores(textures)
    encoders, fixes = _names(textures)
    panels = {
        label: {encoder: [means.get((encoder, fix), {}).get(score) for fix in fixes] for encoder in encoders}
        for score, label in _BARS.items()
    }
    lines = {label: painting[score] for score, label in _BARS.items()}
    bar_panels(path, panels, fixes, references=lines, reference="the painting itself")


def draw_sheet(textures: Sequence[Texture], painting: Tensor, path: Path) -> None:
    """The center of each texture of the first seed, pixel by pixel: a row for each fix, a column for each network.

    A caption is good news if the texture has little excess and is not noise: an encoder cannot correct what it does
    not respond to.
    """
    grain = _MUCH_GRAIN * high_frequency_fraction(painting)
    encoders, fixes = _names(textures)
    first = {(one.encoder, one.fix): one for one in reversed(textures)}
    model = zoomed(painting)
    rows: dict[str, list[Tensor]] = {}
    captions: dict[str, list[Caption]] = {}
    for fix in fixes:
        found = [first.get((encoder, fix)) for encoder in encoders]
        rows[fix] = [model, *(model * 0 + 1 if one is None else zoomed(read_image(one.picture)) for one in found)]
        captions[fix] = [("", True), *(_caption(one, grain) for one in found)]
    picture_table(path, rows, captions, ["painting", *encoders])


def _caption(texture: Texture | None, most_grain: float) -> Caption:
    if texture is None:
        return "nothing to change", True
    worst = max(texture.scores[STRIPES], texture.scores[CHECKERBOARD])
    good = worst < _LOW_EXCESS and texture.scores[FINE] < most_grain
    return f"{worst:.1f} dB, fine {texture.scores[FINE]:.0%}", good


def _names(textures: Sequence[Texture]) -> tuple[list[str], list[str]]:
    """Networks and fixes in their order."""
    encoders = list(dict.fromkeys(texture.encoder for texture in textures))
    return encoders, list(dict.fromkeys(texture.fix for texture in textures))
