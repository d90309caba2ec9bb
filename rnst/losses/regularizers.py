"""Priors on the pixels."""

from torch import Tensor

_GRAY_LEVELS = 255


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighboring pixels of an image (1, 3, H, W); rows and columns are added.

    This is the total variation of Mahendran and Vedaldi 2015 with beta = 2.
    """
    return _mean_square(image[..., 1:, :] - image[..., :-1, :]) + _mean_square(image[..., :, 1:] - image[..., :, :-1])


def _mean_square(differences: Tensor) -> Tensor:
    """The mean square; 0 for an image of one row or column, which has no differences along it."""
    squares = differences.square()
    return squares.mean() if squares.numel() else squares.sum()


def absolute_variation(image: Tensor) -> Tensor:
    """Sum of absolute differences of neighboring pixels, in units of 1 / 255: the total variation of neural-style."""
    rows = (image[..., 1:, :] - image[..., :-1, :]).abs().sum()
    columns = (image[..., :, 1:] - image[..., :, :-1]).abs().sum()
    return _GRAY_LEVELS * (rows + columns)
