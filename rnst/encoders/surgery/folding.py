"""Folding of BatchNorm into the convolution before it: the same function in eval mode with less computation."""

from collections.abc import Collection
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from rnst.encoders.surgery.graph import called_convolutions


def fold_normalizations(network: nn.Module, used: Collection[str]) -> int:
    """Fold each BatchNorm that directly follows a convolution into it; in place. Returns the number of folded ones.

    For one image, the cost of BatchNorm is memory traffic in the forward and the backward pass.

    Args:
        network: in eval mode. A network that torch.fx cannot trace is not changed.
        used: paths of modules whose outputs are used and must not change.
    """
    folded = 0
    for path, norm_path in called_convolutions(network).items():
        if norm_path is None or path in used:
            continue
        convolution: Any = network.get_submodule(path)
        norm: Any = network.get_submodule(norm_path)
        network.set_submodule(path, fuse_conv_bn_eval(convolution, norm))
        network.set_submodule(norm_path, nn.Identity())
        folded += 1
    return folded
