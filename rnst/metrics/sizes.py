"""The smallest picture whose stride artifacts can be measured. Does not import torch, so that help is fast."""

SMALLEST_SIDE = 64
"""In pixels; the side of a segment of Welch's spectrum."""
