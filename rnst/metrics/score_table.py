"""Meaning of each score, as plain data without torch, for pages and tables."""

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
        lowest: smallest possible value.
        highest: largest possible value.
        unit: empty for a pure number.
        meaning: description in one line.
    """

    better: Literal["lower", "higher"]
    lowest: float
    highest: float
    unit: str
    meaning: str


SCORE_TABLE: Mapping[str, ScoreMeaning] = MappingProxyType(
    {
        "style_distance": ScoreMeaning(
            "lower", 0.0, inf, "", "distance to the style's colors and textures under random-network features"
        ),
        "relative_style_distance": ScoreMeaning(
            "lower", 0.0, inf, "", "style distance, divided by that of the unchanged photo, which therefore has 1"
        ),
        "texture_distance": ScoreMeaning(
            "lower", 0.0, inf, "", "style distance after the picture was given the style's palette: texture only"
        ),
        "color_distance": ScoreMeaning(
            "lower", 0.0, 100.0, "Lab", "distance between the color distributions of picture and style"
        ),
        "edge_correlation": ScoreMeaning(
            "higher", -1.0, 1.0, "", "correlation of edges with the content; the unchanged photo has 1"
        ),
        "ssim": ScoreMeaning(
            "higher", -1.0, 1.0, "", "structural similarity to the content at thumbnail size; the unchanged photo has 1"
        ),
        "nyquist_excess_columns_db": ScoreMeaning(
            "lower", -inf, inf, "dB", "stripes of one-pixel columns: power above the surrounding spectrum; 0 is none"
        ),
        "nyquist_excess_rows_db": ScoreMeaning(
            "lower", -inf, inf, "dB", "stripes of one-pixel rows: power above the surrounding spectrum; 0 is none"
        ),
        "nyquist_excess_checkerboard_db": ScoreMeaning(
            "lower", -inf, inf, "dB", "one-pixel checkerboard: power above the surrounding spectrum; 0 is none"
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
            "lower", 0.0, inf, "", "perceptual distance to the content (LPIPS, trained AlexNet); only with --lpips"
        ),
        "style_loss_reduction": ScoreMeaning(
            "higher",
            0.0,
            inf,
            "x",
            "factor by which the network's own style loss fell; networks can fool themselves, so never rank by it",
        ),
    }
)
"""Name -> meaning. `rnst.metrics.scores.score` gives all but `lpips` (on request) and the last (of the run)."""
