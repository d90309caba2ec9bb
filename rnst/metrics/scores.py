"""All metrics of one stylized picture, by name."""

from torch import Tensor

from rnst.metrics.artifacts import (
    CHECKERBOARD,
    COLUMNS,
    ROWS,
    high_frequency_fraction,
    high_pass,
    noise_sigma,
    nyquist_excess_db,
    phase_cv,
)
from rnst.metrics.color_distance import color_distance
from rnst.metrics.content_similarity import edge_correlation, ssim
from rnst.metrics.style_distance import StyleReference

SCORES = (
    *("style_distance", "relative_style_distance", "texture_distance", "color_distance", "edge_correlation", "ssim"),
    *("nyquist_excess_columns_db", "nyquist_excess_rows_db", "nyquist_excess_checkerboard_db"),
)
"""Names of the scores that every measured picture has, and that comparisons need."""
_TINY = 1e-6  # for a photo that is its own style


def score(image: Tensor, content: Tensor, style: Tensor) -> dict[str, float]:
    """All metrics that need only pictures. `score_table.SCORE_TABLE` explains them.

    Args:
        image: (1, 3, H, W) in [0, 1], the stylized picture; sides at least 64 px.
        content: (1, 3, H', W') in [0, 1], the content photo, not cropped.
        style: (1, 3, H", W") in [0, 1], the style at the size that the optimization used; sides at least 18 px.

    Returns:
        Name -> value, in the order of the table.

    Raises:
        InvalidValueError: a picture has another shape, is too small, or has NaN or infinite values.
    """
    # Cheap metrics first: they refuse a picture that is too small before time is spent.
    artifacts = artifact_scores(image)
    reference = StyleReference(style)
    distance, untouched = reference.distance(image), reference.distance(content)
    return {
        "style_distance": distance,
        "relative_style_distance": distance / max(untouched, _TINY),
        "texture_distance": reference.texture_distance(image),
        "color_distance": color_distance(image, style),
        "edge_correlation": edge_correlation(image, content),
        "ssim": ssim(image, content),
        **artifacts,
    }


def artifact_scores(image: Tensor) -> dict[str, float]:
    """The metrics without a reference: for a texture, or for a picture without content or style.

    Args:
        image: (1, 3, H, W) in [0, 1], sides at least 64 px.
    """
    return {
        "nyquist_excess_columns_db": nyquist_excess_db(image, COLUMNS),
        "nyquist_excess_rows_db": nyquist_excess_db(image, ROWS),
        "nyquist_excess_checkerboard_db": nyquist_excess_db(image, CHECKERBOARD),
        "high_frequency_fraction": high_frequency_fraction(image),
        "noise_sigma": noise_sigma(image),
        "phase_cv": phase_cv(high_pass(image), stride=2),
    }
