"""Changes to a network's plumbing that leave its weights alone."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.surgery.pools import DensePool, L2Pool, average_like, even_like, is_uneven, max_like, reducing_pools


class Blur(nn.Module):
    """A small binomial low-pass filter, with or without reducing the resolution.

    Args:
        taps: one-dimensional kernel; it is normalized to sum 1.
        stride: how much smaller the output is.
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
            # The same numbers: torch's way back through a stride takes three times as long there as all positions do.
            return F.conv2d(padded, kernel, groups=channels)[..., :: self.stride, :: self.stride]
        return F.conv2d(padded, kernel, stride=self.stride, groups=channels)


def blur_strides(network: nn.Module, *, stem_only: bool = False) -> None:
    """Put a low-pass filter before uneven strides and behind uneven pools, which then run at stride 1; in place.

    The gradient of a convolution or pool whose kernel is no multiple of its stride reaches neighboring positions
    unevenly: pictures painted with it carry a pattern of the stride's period, and one of stride 8 or 16 looks like a
    ladder (Odena et al. 2016). A filter that is zero at the Nyquist frequency of the positions evens that out. It
    commutes with the convolution, so this equals one of stride 1 that is blurred and then reduced, at a fraction of the
    cost. Pools are mended as by Zhang 2019 ("Making convolutional networks shift-invariant again"). A VGG has nothing
    to mend: its 2x2 pools divide evenly.

    Args:
        network: any.
        stem_only: leave the strides of deeper convolutions alone.
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
    """Run the first convolution at stride 1; in place. False where that changes nothing or the stem cuts patches."""
    _, stem = first_convolution(network)
    if max(stem.stride) == 1 or all(k <= s for k, s in zip(stem.kernel_size, stem.stride, strict=True)):
        return False
    stem.stride = (1, 1)
    return True


def replicate_padding(network: nn.Module, *, first_only: bool) -> bool:
    """Repeat the border where convolutions pad with zeros; in place. False where there is none.

    A frame of zeros looks like a dark frame around the picture, and features of it become part of the style.
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
        kind: "avg" (Gatys et al. 2016, section 2; the mean of features then falls), "max", or "l2", which keeps it.
    """
    makers: dict[str, Callable[[Any], nn.Module]] = {"avg": average_like, "max": max_like, "l2": L2Pool}
    for path, pool in reducing_pools(network).items():
        _replace(network, path, makers[kind](pool))


def even_pools(network: nn.Module) -> None:
    """Give every uneven pool windows as large as its stride, as 2x2 instead of 3x3; in place."""
    for path, pool in reducing_pools(network).items():
        if is_uneven(pool):
            _replace(network, path, even_like(pool))


def first_convolution(network: nn.Module) -> tuple[str, nn.Conv2d]:
    """Path and module."""
    return next(_convolutions(network))


def _convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d]]:
    return ((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))


def initialize(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """Fresh weights for a network that has none: He et al. 2015 for convolutions, identity for normalization."""
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
    """Whether `initialize` reaches every parameter and buffer of a network."""
    reached = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
    return all(
        isinstance(module, reached)
        for module in network.modules()
        if any(True for _ in module.parameters(recurse=False)) or any(True for _ in module.buffers(recurse=False))
    )


def _replace(network: nn.Module, path: str, new: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(network.get_submodule(parent), name, new)
