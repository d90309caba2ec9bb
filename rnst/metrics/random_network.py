"""Small convolutional networks with random weights, and the statistics of their features.

Random filters respond to color, contrast, orientation and scale like trained ones do, only less selectively, and their
features suffice to distinguish and even to synthesize textures (Ustyuzhaninov et al. 2016, "Texture synthesis using
shallow convolutional networks with random filters"). They are unrelated to the networks that the article compares, so
they favor none.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rnst.metrics.arrays import Array, checked
from rnst.normalization import IMAGENET_MEAN, IMAGENET_STD

SEEDS = (1, 2, 3, 4, 5)
CHANNELS = (16, 24, 32)
SMALLEST_SIDE = 18  # px; a smaller picture leaves no pixel to the last layer
_KERNEL = 3
_BLOCK = 1 << 14  # pixels converted to float64 at a time: the whole of a large picture would exceed the caches


@dataclass(frozen=True)
class Gaussian:
    """Statistics of one layer.

    Attributes:
        mean: (C,) float64.
        covariance: (C, C) float64, divided by the number of pixels.
    """

    mean: Tensor
    covariance: Tensor


def filters(seed: int) -> list[Tensor]:
    """The weights of one network: a (C_out, C_in, 3, 3) float32 tensor per layer, without biases.

    He et al. 2015 (arXiv:1502.01852, equation 10): normal with variance 2 / (9 C_in). The draw uses neither torch's
    random number generators nor NumPy's distributions, whose streams may change between releases. It uses NumPy's PCG64
    bit stream, which is stable, and the Box-Muller transform. For each layer in turn, the upper 53 of every 64 bits
    give uniform numbers in [0, 1); the first half of them are radii (of one minus the number), the second half angles;
    all cosines come first, then all sines, in row-major order of the weights.
    """
    stream = np.random.PCG64(seed)
    layers = []
    inputs = 3
    for outputs in CHANNELS:
        shape = (outputs, inputs, _KERNEL, _KERNEL)
        deviation = np.sqrt(2.0 / (inputs * _KERNEL**2))
        values = _normal(stream, outputs * inputs * _KERNEL**2) * deviation
        layers.append(torch.from_numpy(values.reshape(shape).astype(np.float32)))
        inputs = outputs
    return layers


@torch.no_grad()
def layer_statistics(image: Tensor, seed: int) -> list[Gaussian]:
    """Mean and covariance of the features after each of the three ReLUs.

    The picture is normalized with ImageNet's statistics. A layer is a 3x3 convolution without padding (a border of
    zeros would count as texture) and a ReLU, with 2x2 average pooling between layers.

    Args:
        image: (1, 3, H, W), sides at least SMALLEST_SIDE px.
        seed: selects the network.
    """
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    # Channels last is nearly twice as fast on a CPU, above all for pooling.
    features = ((checked(image, SMALLEST_SIDE) - mean) / deviation).contiguous(memory_format=torch.channels_last)
    statistics = []
    for depth, weight in enumerate(filters(seed)):
        pooled = F.avg_pool2d(features, 2) if depth else features
        features = F.relu(F.conv2d(pooled, weight))
        statistics.append(_gaussian(features[0].flatten(1)))
    return statistics


def _normal(stream: np.random.PCG64, count: int) -> Array:
    """An even number of standard normal values."""
    bits = np.asarray(stream.random_raw(count), dtype=np.uint64) >> np.uint64(11)
    uniform = bits.astype(np.float64) * 2.0**-53
    radius = np.sqrt(-2.0 * np.log1p(-uniform[: count // 2]))
    angle = 2.0 * np.pi * uniform[count // 2 :]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])


def _gaussian(features: Tensor) -> Gaussian:
    """Statistics of (C, pixels) float32, in float64: the small eigenvalues of a covariance matter to its root."""
    count = features.shape[1]
    blocks = torch.split(features, _BLOCK, dim=1)
    mean = sum((block.double().sum(1) for block in blocks), torch.zeros(())) / count
    covariance = torch.zeros(len(features), len(features), dtype=torch.float64)
    for block in blocks:
        centered = block.double() - mean[:, None]
        covariance += centered @ centered.T
    return Gaussian(mean, covariance / count)
