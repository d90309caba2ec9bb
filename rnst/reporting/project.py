"""Where runs are tracked."""

PROJECT = "rnst"
"""Name of the project in Weights & Biases."""
