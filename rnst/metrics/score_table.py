"""What each score means: plain data, without torch, for pages and tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class ScoreMeaning:
    """How to read one score.

    Attributes:
        better: which direction is better.
        lowest: least value that can occur.
        highest: largest value that can occur.
        unit: empty for a pure number.
        meaning: one line.
    """

    better: Literal["lower", "higher"]
    lowest: float
    highest: float
    unit: str
    meaning: str


SCORE_TABLE: Mapping[str, ScoreMeaning] = MappingProxyType(
    {
        "style_distance": ScoreMeaning(
            "lower", 0.0, inf, "", "distance to the style's colors and textures in the eyes of untrained networks"
        ),
        "relative_style_distance": ScoreMeaning(
            "lower", 0.0, inf, "", "style distance, divided by that of the untouched photo, which so has 1"
        ),
        "texture_distance": ScoreMeaning(
            "lower", 0.0, inf, "", "the same after the picture was given the style's palette: texture only"
        ),
        "color_distance": ScoreMeaning(
            "lower", 0.0, 100.0, "Lab", "distance between the colors of picture and style, wherever they stand"
        ),
        "edge_correlation": ScoreMeaning(
            "higher", -1.0, 1.0, "", "agreement of edges with the content; an untouched photo has 1"
        ),
        "ssim": ScoreMeaning(
            "higher", -1.0, 1.0, "", "structural similarity to the content at thumbnail size; an untouched photo has 1"
        ),
        "nyquist_excess_columns_db": ScoreMeaning(
            "lower", -inf, inf, "dB", "stripes of one-pixel columns above the spectrum around; 0 is none"
        ),
        "nyquist_excess_rows_db": ScoreMeaning(
            "lower", -inf, inf, "dB", "stripes of one-pixel rows above the spectrum around; 0 is none"
        ),
        "nyquist_excess_checkerboard_db": ScoreMeaning(
            "lower", -inf, inf, "dB", "one-pixel checkerboard above the spectrum around; 0 is none"
        ),
        "high_frequency_fraction": ScoreMeaning(
            "lower", 0.0, 1.0, "", "share of energy finer than four pixels; white noise has 0.80"
        ),
        "noise_sigma": ScoreMeaning(
            "lower", 0.0, inf, "", "standard deviation of pixel noise, in units of brightness from 0 to 1"
        ),
        "phase_cv": ScoreMeaning(
            "lower", 0.0, 3**0.5, "", "unevenness of fine detail over the four positions of a 2x2 grid"
        ),
        "lpips": ScoreMeaning(
            "lower", 0.0, inf, "", "distance to the content in the eyes of a trained AlexNet (LPIPS); only with --lpips"
        ),
        "style_loss_reduction": ScoreMeaning(
            "higher",
            0.0,
            inf,
            "x",
            "factor by which the net's own style loss fell; nets can fool themselves, so never rank by it",
        ),
    }
)
"""Name -> meaning. `rnst.metrics.scores.score` gives all but `lpips` (on request) and the last (of the run)."""
