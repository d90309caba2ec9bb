"""Replacements of ReLUs: out of place, and with gradients for inactive units."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_LEAK = 0.01
_SHARPNESS = 10.0  # softplus(0) is then 0.07


class RectifiedConvolution(nn.Module):
    """torchvision's convolution block of GoogLeNet and Inception v3, with its ReLU as a module that can be replaced.

    Args:
        block: block whose convolution and normalization are reused under the same names.
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.conv: nn.Module = block.conv  # type: ignore[assignment]  # attributes of modules have no types
        self.bn: nn.Module = block.bn  # type: ignore[assignment]
        self.relu: nn.Module = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H', W')."""
        rectified: Tensor = self.relu(self.bn(self.conv(features)))
        return rectified


class RedirectedReLU(nn.Module):
    """ReLU whose gradient also reaches inactive units if it would activate them (lucid's redirected gradient).

    For a negative input, a gradient passes if a descent step raises the input. lucid does so only while all units of
    the layer are inactive; here the rule applies to each unit, so that the gradient depends only on its own input.

    Attributes:
        active: whether gradients are redirected; otherwise the module is a normal ReLU.
        climbing: the gradient is of a value to maximize, so that the sign of passing gradients is reversed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.active = True
        self.climbing = False

    def forward(self, features: Tensor) -> Tensor:
        """Any shape, 0 or more."""
        rectified: Tensor = _Redirected.apply(features, self.climbing) if self.active else features.relu()
        return rectified


class _Redirected(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, climbing: bool) -> Tensor:  # noqa: FBT001 - torch hands on positions
        ctx.save_for_backward(features)
        ctx.climbing = climbing
        return features.clamp_min(0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (features,), gradient = ctx.saved_tensors, gradients[0]
        lowers = gradient < 0 if ctx.climbing else gradient > 0
        return torch.where((features < 0) & lowers, 0, gradient), None


class Softplus(nn.Softplus):
    """A ReLU without a kink: log(1 + exp(10 x)) / 10."""

    def __init__(self) -> None:
        super().__init__(beta=_SHARPNESS)


def out_of_place(network: nn.Module) -> None:
    """Make all activations out of place, because in-place ones overwrite features that a hook has read; in place."""
    for path, module in list(network.named_modules()):
        if type(module).__name__ == "BasicConv2d" and path:
            _replace(network, path, RectifiedConvolution(module))
    for module in network.modules():
        if getattr(module, "inplace", None) is True:
            module.inplace = False  # type: ignore[assignment]


def replace_relus(network: nn.Module, kind: str) -> int:
    """Replace every ReLU by a "redirected", "leaky" or "softplus" one; in place. Returns the number of ReLUs."""
    makers: dict[str, Callable[[], nn.Module]] = {
        "redirected": RedirectedReLU,
        "leaky": lambda: nn.LeakyReLU(_LEAK),
        "softplus": Softplus,
    }
    paths = [path for path, module in network.named_modules(remove_duplicate=False) if type(module) is nn.ReLU]
    for path in paths:
        _replace(network, path, makers[kind]())
    return len(paths)


def pass_straight(network: nn.Module, path: str, relu_path: str) -> None:
    """Pass the gradient of one layer unchanged through its ReLU; the layer's output does not change; in place.

    The article uses the last layer of its ResNets in this way: the gradients of inactive units reach the pixels.

    Args:
        network: with out-of-place activations.
        path: of the layer.
        relu_path: of the ReLU whose output is that of the layer. The module may run before, too, as in a residual
            block.
    """
    inputs: list[Tensor] = []

    def note(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        inputs[:] = arguments

    def straight(_module: nn.Module, _arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        before = inputs.pop()  # removed, because it holds the graph of this run
        return before + (output - before).detach()

    network.get_submodule(relu_path).register_forward_pre_hook(note)
    network.get_submodule(path).register_forward_hook(straight)


def _replace(network: nn.Module, path: str, new: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, new)
