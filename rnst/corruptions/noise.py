"""Noise of sensors and of transmission. All pictures are (3, H, W) float32 in [0, 1]; results may exceed this range."""

import torch
from torch import Generator, Tensor


def gaussian_noise(picture: Tensor, draw: Generator, deviation: float) -> Tensor:
    """Add normal noise of this standard deviation to each value, like a sensor in weak light."""
    return picture + deviation * torch.randn(picture.shape, generator=draw)


def shot_noise(picture: Tensor, draw: Generator, photons: float) -> Tensor:
    """Poisson noise of photon counts; a white value has the mean count `photons`."""
    return torch.poisson(picture * photons, generator=draw) / photons


def impulse_noise(picture: Tensor, draw: Generator, share: float) -> Tensor:
    """Set this share of all values to 0 or 1 with equal probability, like faulty bits."""
    chance = torch.rand(picture.shape, generator=draw)
    return torch.where(chance < share / 2, 0.0, torch.where(chance < share, 1.0, picture))
