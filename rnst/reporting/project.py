"""The default project of experiment tracking."""

PROJECT = "rnst"
"""Name of the project in Weights & Biases."""
