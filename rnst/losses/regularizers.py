"""Priors on the pixels."""

from torch import Tensor

from rnst.image.periodic import NO_WRAPS, Wraps

_GRAY_LEVELS = 255


def total_variation(image: Tensor, wraps: Wraps = NO_WRAPS) -> Tensor:
    """Mean squared difference of neighboring pixels of an image (1, 3, H, W); rows and columns are added.

    This is the total variation of Mahendran and Vedaldi 2015 with beta = 2. Along axes that wrap, the last pixel is a
    neighbor of the first one.
    """
    rows, columns = _differences(image, wraps)
    return _mean_square(rows) + _mean_square(columns)


def _mean_square(differences: Tensor) -> Tensor:
    """The mean square; 0 for an image of one row or column, which has no differences along it."""
    squares = differences.square()
    return squares.mean() if squares.numel() else squares.sum()


def absolute_variation(image: Tensor, wraps: Wraps = NO_WRAPS) -> Tensor:
    """Sum of absolute differences of neighboring pixels, in units of 1 / 255: the total variation of neural-style."""
    rows, columns = _differences(image, wraps)
    return _GRAY_LEVELS * (rows.abs().sum() + columns.abs().sum())


def _differences(image: Tensor, wraps: Wraps) -> tuple[Tensor, Tensor]:
    """Differences of neighbors along rows and along columns."""
    rows = image.roll(-1, -2) - image if wraps[0] else image[..., 1:, :] - image[..., :-1, :]
    columns = image.roll(-1, -1) - image if wraps[1] else image[..., :, 1:] - image[..., :, :-1]
    return rows, columns
