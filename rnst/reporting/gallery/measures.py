"""Scores of a page in words: a label, the better direction, and one sentence each."""

import re
from typing import Any

from rnst.metrics.score_table import SCORE_TABLE

# Metrics for which higher is better; for every other metric (distances, noise, seconds) lower is better.
_HIGHER = re.compile(r"similarity|ssim|psnr|correlation|accuracy|hypervolume|reduction")
_EXCESS = re.compile(r"^nyquist_excess_")
_FIRST = (
    *("style_distance", "edge_correlation", "texture_distance", "color_distance"),
    "nyquist_excess_checkerboard_db",
)
_LABELS = {
    "nyquist_excess_checkerboard_db": "checkerboard",
    "nyquist_excess_columns_db": "stripes, columns",
    "nyquist_excess_rows_db": "stripes, rows",
    "high_frequency_fraction": "finest detail",
    "noise_sigma": "pixel noise",
    "phase_cv": "unevenness of fine detail",
    "ssim": "structural similarity",
    "lpips": "perceptual distance",
}


def measure(name: str) -> dict[str, Any]:
    """What a page shows about a score: name, label, whether higher is better, unit and meaning.

    Under an entry "none" that is not None, values are noise: an artifact that is not there.
    """
    known = SCORE_TABLE.get(name)
    return {
        "name": name,
        "label": _LABELS.get(name, name.replace("_", " ")),
        "higher": known.better == "higher" if known is not None else bool(_HIGHER.search(name.lower())),
        "unit": "" if known is None else known.unit,
        "meaning": "" if known is None else known.meaning,
        "none": 0.0 if _EXCESS.search(name) else None,
    }


def ordered(names: list[str]) -> list[str]:
    """Names of scores, the ones to read first in front."""
    first = [name for name in _FIRST if name in names]
    return [*first, *(name for name in names if name not in first)]
