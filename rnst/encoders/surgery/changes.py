"""Changes to strides, pools and padding of a network that keep its weights."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.surgery.pools import DensePool, L2Pool, average_like, even_like, is_uneven, max_like, reducing_pools


class Blur(nn.Module):
    """A small binomial low-pass filter, with a stride that may reduce the resolution.

    Args:
        taps: one-dimensional kernel; it is normalized to sum 1.
        stride: factor by which the resolution is reduced.
    """

    kernel: Tensor

    def __init__(self, taps: tuple[float, ...], stride: int) -> None:
        super().__init__()
        line = torch.tensor(taps) / sum(taps)
        self.register_buffer("kernel", torch.outer(line, line)[None, None], persistent=False)
        self.stride = stride
        before = (len(taps) - 1) // 2
        after = len(taps) - 1 - before
        self.padding = (before, after, before, after)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, ceil(H / stride), ceil(W / stride))."""
        channels = features.shape[1]
        kernel = self.kernel.to(features.dtype).expand(channels, 1, -1, -1)
        padded = F.pad(features, self.padding, mode="replicate")
        if padded.dtype == torch.bfloat16 and padded.device.type == "cpu":
            # Same output: torch's backward pass with a stride takes three times as long here as that of all positions.
            return F.conv2d(padded, kernel, groups=channels)[..., :: self.stride, :: self.stride]
        return F.conv2d(padded, kernel, stride=self.stride, groups=channels)


def blur_strides(network: nn.Module, *, stem_only: bool = False) -> None:
    """Insert a low-pass filter before convolutions with uneven strides, and replace uneven pools; in place.

    A convolution or pool is uneven if its kernel is not a multiple of its stride. Its gradient then reaches neighboring
    positions unevenly, and optimized images have a pattern with the period of the stride, which at stride 8 or 16
    resembles a ladder (Odena et al. 2016). A filter that is zero at the Nyquist frequency of the positions removes the
    pattern. The filter commutes with the convolution, so the result equals a convolution of stride 1 that is blurred
    and then subsampled, at a fraction of the cost. Pools run at stride 1, followed by a filter with their stride (Zhang
    2019, "Making convolutional networks shift-invariant again"). A VGG stays unchanged: its 2x2 pools are even.

    Args:
        network: any.
        stem_only: keep the strides of convolutions after the first.
    """
    path, stem = first_convolution(network)
    convolutions = {path: stem} if stem_only else dict(_convolutions(network))
    for path, convolution in convolutions.items():
        if any(kernel % stride for kernel, stride in zip(convolution.kernel_size, convolution.stride, strict=True)):
            _replace(network, path, nn.Sequential(Blur((1.0, 2.0, 1.0), 1), convolution))
    for path, pool in reducing_pools(network).items():
        if is_uneven(pool):
            _replace(network, path, DensePool(pool, Blur((1.0, 3.0, 3.0, 1.0), pool.stride)))  # type: ignore[arg-type]


def dense_stem(network: nn.Module) -> bool:
    """Set the stride of the first convolution to 1; in place. False if it is 1, or if the stem cuts patches."""
    _, stem = first_convolution(network)
    if max(stem.stride) == 1 or all(k <= s for k, s in zip(stem.kernel_size, stem.stride, strict=True)):
        return False
    stem.stride = (1, 1)
    return True


def replicate_padding(network: nn.Module, *, first_only: bool) -> bool:
    """Replace zero padding of convolutions by repeated borders; in place. False if no convolution is padded.

    Zero padding has the effect of a dark frame around the image, whose features become part of the style.
    """
    convolutions = [first_convolution(network)[1]]
    if not first_only:
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    padded = [module for module in convolutions if any(module._reversed_padding_repeated_twice)]
    for module in padded:
        module.padding_mode = "replicate"
    return bool(padded)


def exchange_pools(network: nn.Module, kind: str) -> None:
    """Replace every pool that reduces the resolution; in place.

    Args:
        network: any.
        kind: "avg" (Gatys et al. 2016, section 2), which lowers the mean of features; "max"; or "l2", which keeps it.
    """
    makers: dict[str, Callable[[Any], nn.Module]] = {"avg": average_like, "max": max_like, "l2": L2Pool}
    for path, pool in reducing_pools(network).items():
        _replace(network, path, makers[kind](pool))


def even_pools(network: nn.Module) -> None:
    """Set the window of every uneven pool to its stride, such as 2x2 instead of 3x3; in place."""
    for path, pool in reducing_pools(network).items():
        if is_uneven(pool):
            _replace(network, path, even_like(pool))


def first_convolution(network: nn.Module) -> tuple[str, nn.Conv2d]:
    """Path and module of the first convolution."""
    return next(_convolutions(network))


def _convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d]]:
    return ((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))


def initialize(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """Initialize the weights: He et al. 2015 for convolutions, identity for normalization."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size) // module.groups
            module.weight.data.normal_(0.0, math.sqrt(2.0 / fan_out), generator=generator)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.Linear):
            module.weight.data.normal_(0.0, module.in_features**-0.5, generator=generator)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.reset_parameters()


def can_initialize(network: nn.Module) -> bool:
    """Whether `initialize` sets every parameter and buffer of a network."""
    reached = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
    return all(
        isinstance(module, reached)
        for module in network.modules()
        if any(True for _ in module.parameters(recurse=False)) or any(True for _ in module.buffers(recurse=False))
    )


def _replace(network: nn.Module, path: str, new: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, new)
