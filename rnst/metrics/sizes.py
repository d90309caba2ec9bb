"""The smallest picture whose stride artifacts can be measured. Imports no torch, so that help is quick."""

SMALLEST_SIDE = 64
"""In pixels; a segment of Welch's spectrum is as large."""
