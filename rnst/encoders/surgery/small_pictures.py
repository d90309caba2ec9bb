"""Networks for photos adapted to images of 32 pixels, as in the literature on CIFAR-10."""

from collections.abc import Sequence

from torch import nn

from rnst.encoders.names import SMALL
from rnst.encoders.surgery.changes import first_convolution
from rnst.errors import InvalidValueError

_KERNEL = 3


def fit_small_pictures(network: nn.Module, name: str, stem_pools: Sequence[str] | None) -> None:
    """Make the stem keep the resolution: a 3x3 convolution of stride 1 without a pool after it; in place.

    Args:
        network: with fresh weights; those of a larger stem are replaced by fresh ones (He et al. 2015).
        name: of the network, for the error.
        stem_pools: paths of the pools to remove; None if unknown.

    Raises:
        InvalidValueError: the pools of the stem are unknown.
    """
    if stem_pools is None:
        wanted = f"one of a VGG, ResNet, DenseNet, GoogLeNet, Inception v3 or AlexNet where it ends in {SMALL}"
        raise InvalidValueError("the architecture", name, wanted)
    path, stem = first_convolution(network)
    parent, _, child = path.rpartition(".")
    if max(stem.kernel_size) > _KERNEL:
        small = nn.Conv2d(stem.in_channels, stem.out_channels, _KERNEL, padding=1, bias=stem.bias is not None)
        nn.init.kaiming_normal_(small.weight, mode="fan_out", nonlinearity="relu")
        setattr(network.get_submodule(parent), child, small)
    else:
        stem.stride = (1, 1)
    for pool in stem_pools:
        above, _, last = pool.rpartition(".")
        setattr(network.get_submodule(above), last, nn.Identity())
