"""A copy of a network for attacks, which often need its eval-mode outputs and the gradient of its input."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights

from rnst.encoders.surgery.block_convolution import BlockConv2d
from rnst.encoders.surgery.graph import called_convolutions


class FoldedNetwork:
    """A copy of a network with the same eval-mode outputs and a cheaper input gradient.

    While in use, the copy has the current weights of the network, frozen. Three changes do not alter its function.
    BatchNorm is folded into the convolution that it directly follows. Kernels are stored in the precision of autocast,
    which would otherwise cast frozen kernels in each pass. A first convolution with a stride receives blocks of pixels.
    benchmarks/attack_gradient.py measures the gain of each change.

    The class is not a module, so that a LightningModule can store it beside its network: it has nothing to train, save
    or synchronize. The copy is made anew when modules of the network were replaced, as Lightning does to synchronize
    BatchNorm during a training.

    Args:
        network: any classifier. If torch.fx cannot trace it, only the precision of its kernels changes.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._copy: nn.Module | None = None
        self._modules: list[nn.Module] = []  # of the network, when it was copied
        self._layers: list[_Layer] = []

    @contextmanager
    def in_use(self, kernels: torch.dtype | None = None) -> Iterator[nn.Module]:
        """The copy, with the current weights and statistics of the network; its memory is freed afterwards.

        Args:
            kernels: precision of the stored kernels of convolutions and linear layers: that of the autocast in which
                the copy is called. None keeps the network's precision.
        """
        # Tensors created in inference mode cannot be used for a gradient.
        with torch.inference_mode(mode=False), torch.no_grad():
            modules = list(self._network.modules())
            if self._copy is None or list(map(id, modules)) != list(map(id, self._modules)):
                self._copy, self._modules = self._built(), modules
            for layer in self._layers:
                layer.fill(kernels)
        try:
            yield self._copy
        finally:
            for layer in self._layers:
                layer.empty()

    def _built(self) -> nn.Module:
        tensors = [*self._network.parameters(), *self._network.buffers()]
        copied = copy.deepcopy(self._network, {id(tensor): tensor for tensor in tensors}).eval()  # shares the tensors
        norms = called_convolutions(copied)
        folded = set(norms.values())
        self._layers = []
        for path, source in list(self._network.named_modules()):
            if path in folded:
                copied.set_submodule(path, nn.Identity())
                continue
            target = copied.get_submodule(path)
            if path in norms and isinstance(target, nn.Conv2d) and BlockConv2d.replaces(target):
                target = BlockConv2d(target)
                copied.set_submodule(path, target)
            norm_path = norms.get(path)
            norm = None if norm_path is None else self._network.get_submodule(norm_path)
            self._layers.append(_Layer(source, target, norm if isinstance(norm, _BatchNorm) else None))
        return copied


@dataclass(frozen=True)
class _Layer:
    """A module of the network, its place in the copy, and the BatchNorm that is folded into it, if any."""

    source: nn.Module
    target: nn.Module
    norm: _BatchNorm | None

    def fill(self, kernels: torch.dtype | None) -> None:
        """Copy the current parameters and buffers of the source to the target."""
        tensors: dict[str, Tensor] = dict(self.source.named_parameters(recurse=False))
        if self.norm is not None:
            tensors |= _folded(tensors["weight"], tensors.get("bias"), self.norm)
        if isinstance(self.target, BlockConv2d):
            tensors["weight"] = self.target.kernels(tensors["weight"])
        wanted = kernels if type(self.source) in {nn.Conv2d, nn.Linear} else None
        for name, tensor in tensors.items():
            parameter = nn.Parameter(tensor.detach().to(wanted or tensor.dtype), requires_grad=False)
            self.target.register_parameter(name, parameter)
        for name, buffer in self.source.named_buffers(recurse=False):
            setattr(self.target, name, buffer)

    def empty(self) -> None:
        """Remove all weights and statistics from the target."""
        for name in [*self.target._parameters, *self.target._buffers]:
            setattr(self.target, name, None)


def _folded(weight: Tensor, bias: Tensor | None, norm: _BatchNorm) -> dict[str, Tensor]:
    """Kernels (O, C, K, K) and bias (O,) of a convolution that equals the convolution followed by its BatchNorm."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:  # for the type checker: BatchNorm without statistics is not folded
        return {}
    both = fuse_conv_bn_weights(weight, bias, mean, variance, norm.eps, norm.weight, norm.bias)
    return dict(zip(("weight", "bias"), both, strict=True))
