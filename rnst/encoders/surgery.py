"""Changes to a network's plumbing that leave its weights alone."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


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
        return F.conv2d(padded, kernel, stride=self.stride, groups=channels)


def blur_strides(network: nn.Module) -> None:
    """Put a low-pass filter before a ResNet's stem and behind its pool, which then runs at stride 1; in place.

    The gradient of a 7x7 convolution or a 3x3 pool of stride 2 reaches neighboring pixels unevenly, because the kernel
    is no multiple of the stride: pictures painted with it carry a checkerboard of period 2 and 4 (Odena et al. 2016).
    A filter that is zero at the Nyquist frequency removes the first. It commutes with the stem's convolution, so this
    equals a stem of stride 1 that is blurred and then reduced, at a fraction of the cost. The pool is mended as by
    Zhang 2019 ("Making convolutional networks shift-invariant again").
    """
    stem = getattr(network, "conv1", None)
    pool = getattr(network, "maxpool", None)
    # A VGG has neither, and nothing to mend: its 2x2 pools divide evenly.
    if isinstance(stem, nn.Conv2d):
        network.conv1 = nn.Sequential(Blur((1.0, 2.0, 1.0), 1), stem)
    if isinstance(pool, nn.MaxPool2d | nn.AvgPool2d):  # it is not there where only the stem is looked at
        stride = pool.stride if isinstance(pool.stride, int) else pool.stride[0]
        pool.stride = 1
        network.maxpool = nn.Sequential(pool, Blur((1.0, 3.0, 3.0, 1.0), stride))


def average_pools(network: nn.Module) -> None:
    """Replace every max pool by an average pool of the same size; in place (Gatys et al. 2016, section 2)."""
    for path, module in list(network.named_modules()):
        if isinstance(module, nn.MaxPool2d):
            parent, _, name = path.rpartition(".")
            # Padding does not count: it would darken the borders of the features.
            average = nn.AvgPool2d(
                module.kernel_size, module.stride, module.padding, module.ceil_mode, count_include_pad=False
            )
            setattr(network.get_submodule(parent), name, average)


def out_of_place_relus(network: nn.Module) -> None:
    """An in-place ReLU silently overwrites the features that a hook has just read; stop all of them doing so."""
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False


def initialize(network: nn.Module, generator: torch.Generator) -> None:
    """Fresh weights for a network that has none: He et al. 2015 for convolutions, identity for normalization."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size) // module.groups
            module.weight.data.normal_(0.0, math.sqrt(2.0 / fan_out), generator=generator)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.reset_parameters()
