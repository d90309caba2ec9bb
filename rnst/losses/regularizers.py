"""Priors on the pixels themselves."""

from torch import Tensor


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbors of an image (1, 3, H, W), rows and columns added.

    The square punishes grain more than edges that are there for a reason (Mahendran and Vedaldi 2015, with beta = 2).
    """
    rows = (image[..., 1:, :] - image[..., :-1, :]).square().mean()
    columns = (image[..., :, 1:] - image[..., :, :-1]).square().mean()
    return rows + columns
