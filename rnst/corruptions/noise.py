"""Noise of sensors and of transmission. All pictures here are (3, H, W) float32 in [0, 1]; results may leave it."""

import torch
from torch import Generator, Tensor


def gaussian_noise(picture: Tensor, draw: Generator, deviation: float) -> Tensor:
    """Add normal noise of this standard deviation to each value, as of a sensor in weak light."""
    return picture + deviation * torch.randn(picture.shape, generator=draw)


def shot_noise(picture: Tensor, draw: Generator, photons: float) -> Tensor:
    """Count light quanta: a white value is a Poisson number of this mean."""
    return torch.poisson(picture * photons, generator=draw) / photons


def impulse_noise(picture: Tensor, draw: Generator, share: float) -> Tensor:
    """Set this share of all values to 0 or 1, each as likely, as faulty bits do."""
    chance = torch.rand(picture.shape, generator=draw)
    return torch.where(chance < share / 2, 0.0, torch.where(chance < share, 1.0, picture))
