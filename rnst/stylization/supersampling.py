"""At how many times its size a picture is optimized unless the user says so."""

USUAL = 3.0
"""Factor of pictures of up to 1024 pixels: see docs/explanation/clean-pictures.md."""

_LARGEST = 3072  # pixels of the side that is optimized; beyond, a picture is seen from farther away


def unless_usual(factor: float) -> float | None:
    """The setting of a control: None where it stands at the usual factor, so that large pictures have less."""
    return None if factor == USUAL else factor


def usual_supersampling(size: int) -> float:
    """The factor for a picture of that size in pixels: 3, and less for large ones, down to 1."""
    return min(USUAL, max(1.0, _LARGEST / size))
