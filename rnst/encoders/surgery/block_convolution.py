"""A strided convolution of an image as a convolution of stride 1 over blocks of pixels, with a faster backward pass."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_COLORS = 3


class BlockConv2d(nn.Conv2d):
    """Equals a convolution of stride s, but first rearranges blocks of s x s pixels into channels.

    The kernel is padded with zeros to a multiple of s. On CPUs the input gradient of three channels with a stride is
    many times slower than the convolution itself; that of 3 * s * s channels with stride 1 is not.

    Args:
        given: convolution to replace. Its weights are not copied; `kernels` converts them.
    """

    def __init__(self, given: nn.Conv2d) -> None:
        side, stride = given.kernel_size[0], given.stride[0]
        channels = given.in_channels * stride**2
        super().__init__(channels, given.out_channels, -(-side // stride), bias=False, device="meta")
        self._block, self._side, self._zeros = stride, side, int(given.padding[0])

    @staticmethod
    def replaces(layer: nn.Conv2d) -> bool:
        """Whether a convolution has three input channels, zero padding, and equal sizes along both axes."""
        if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
            return False
        square = all(pair[0] == pair[1] for pair in (layer.kernel_size, layer.stride, layer.padding))
        plain = layer.groups == 1 and layer.dilation == (1, 1)
        return square and plain and layer.in_channels == _COLORS and layer.stride[0] > 1

    def kernels(self, weight: Tensor) -> Tensor:
        """Kernels (O, C, K, K) of the given convolution to (O, C * s * s, K', K'), in the same memory format."""
        more = -weight.shape[-1] % self._block
        blocks = F.pixel_unshuffle(F.pad(weight, (0, more, 0, more)), self._block)
        last = weight.is_contiguous(memory_format=torch.channels_last)
        return blocks.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    def forward(self, images: Tensor) -> Tensor:
        """(N, C, H, W) to (N, O, H', W'), the output of the given convolution."""
        rows, columns = (self._zeros_around(size) for size in images.shape[-2:])
        blocks = F.pixel_unshuffle(F.pad(images, (*columns, *rows)), self._block)
        return F.conv2d(blocks, self.weight, self.bias)

    def _zeros_around(self, size: int) -> tuple[int, int]:
        """Padding before and after; negative after, if the given convolution does not use the last pixels."""
        outputs = (size + 2 * self._zeros - self._side) // self._block + 1
        needed = (outputs - 1 + self.kernel_size[0]) * self._block
        return self._zeros, needed - size - self._zeros
