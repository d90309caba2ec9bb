"""A network for those who want, often, its answers in eval mode and the gradient of its input: for attacks."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from rnst.encoders.surgery.block_convolution import BlockConv2d
from rnst.encoders.surgery.graph import called_convolutions


class FoldedNetwork:
    """A copy of a network that gives the answers of its eval mode, and whose input gradient costs less.

    While it is in use it holds frozen weights, those that the network has then, changed in three ways that leave the
    function what it is: BatchNorm is folded into the convolution before it, where it directly follows one; kernels are
    stored in the precision of autocast, which would cast frozen ones again in each pass; and a first convolution with a
    stride sees blocks of pixels. What each of them gains stands in benchmarks/attack_gradient.py.

    It is no module, so that a task may keep it beside its network: it has nothing to train, to save or to synchronize.

    Args:
        network: any classifier. Where torch.fx cannot trace it, only the precision of its kernels is changed.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._copy: nn.Module | None = None
        self._layers: list[_Layer] = []

    @contextmanager
    def in_use(self, kernels: torch.dtype | None = None) -> Iterator[nn.Module]:
        """The copy, with the weights and statistics that the network has now; its memory is free again afterwards.

        Args:
            kernels: precision to store convolutions and linear layers in: that of the autocast in which the copy will
                be called. None keeps theirs.
        """
        # What is born in inference mode could never be used for a gradient.
        with torch.inference_mode(mode=False), torch.no_grad():
            if self._copy is None:
                self._copy = self._built()
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
            self._layers.append(_Layer(source, target, norm))
        return copied


@dataclass(frozen=True)
class _Layer:
    """A module of the network, its place in the copy, and the BatchNorm that is folded into it, if any."""

    source: nn.Module
    target: nn.Module
    norm: nn.Module | None

    def fill(self, kernels: torch.dtype | None) -> None:
        """Give the target what the source holds now."""
        tensors: dict[str, Tensor] = dict(self.source.named_parameters(recurse=False))
        if isinstance(self.norm, nn.BatchNorm2d):
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
        """Let go of all weights and statistics."""
        for name in [*self.target._parameters, *self.target._buffers]:
            setattr(self.target, name, None)


def _folded(weight: Tensor, bias: Tensor | None, norm: nn.BatchNorm2d) -> dict[str, Tensor]:
    """Kernels (O, C, K, K) and bias (O,) that do what the convolution and its BatchNorm do one after the other."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:  # for the type checker: such a norm is not folded
        return {}
    both = fuse_conv_bn_weights(weight, bias, mean, variance, norm.eps, norm.weight, norm.bias)
    return dict(zip(("weight", "bias"), both, strict=True))
