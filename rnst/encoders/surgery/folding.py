"""BatchNorm made part of the convolution before it: the same function of a network in eval mode, for less."""

from collections.abc import Collection
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from rnst.encoders.surgery.graph import called_convolutions


def fold_normalizations(network: nn.Module, looked_at: Collection[str]) -> int:
    """Fold each BatchNorm that directly follows a convolution into it; in place. Returns how many there were.

    A BatchNorm on one picture is nothing but a pass over memory, forward and back.

    Args:
        network: in eval mode. One that torch.fx cannot trace is left as it is.
        looked_at: paths of modules whose outputs must stay what they are.
    """
    folded = 0
    for path, norm_path in called_convolutions(network).items():
        if norm_path is None or path in looked_at:
            continue
        convolution: Any = network.get_submodule(path)
        norm: Any = network.get_submodule(norm_path)
        network.set_submodule(path, fuse_conv_bn_eval(convolution, norm))
        network.set_submodule(norm_path, nn.Identity())
        folded += 1
    return folded
