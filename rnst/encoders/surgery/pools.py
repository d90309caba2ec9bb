"""Replacements for the pools of a network, with which optimized images are better."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

_TINY = 1e-12  # added under the square root, whose slope at 0 is infinite
_INTEGRATION_STEP = 1e-3
_BEYOND = 10.0  # standard deviations

Pool = nn.MaxPool2d | nn.AvgPool2d


class L2Pool(nn.Module):
    """Root of the mean square of a window, scaled to the mean of the max pool that it replaces.

    The scale is exact for independent rectified normal activations (see `l2_scale`). Every position of the window gets
    a gradient, not only the maximum (Henaff and Simoncelli 2016).

    Args:
        pool: pool to replace, with its window and stride.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self.mean = average_like(pool)
        self.scale = l2_scale(math.prod(_pair(pool.kernel_size)))

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'), 0 or more."""
        mean: Tensor = self.mean(features.square())
        return self.scale * (mean + _TINY).sqrt()


class DensePool(nn.Module):
    """A pool at stride 1 followed by a low-pass filter with a stride; the output size is that of the pool alone.

    Args:
        pool: with its own stride; it is not changed.
        blur: filter with the stride of the pool.
    """

    def __init__(self, pool: nn.Module, blur: nn.Module) -> None:
        super().__init__()
        self.dense = _with_stride_one(pool)
        self.blur = blur
        self.windows = _windows(pool)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        kernel, stride, padding, ceil = self.windows
        rows, columns = (
            _reduced(side, *sizes, ceil=ceil)
            for side, sizes in zip(features.shape[-2:], zip(kernel, stride, padding, strict=True), strict=True)
        )
        dense = self.dense(features)
        # A pool in ceil mode extends beyond the border; the filter gets the last row and column again.
        missing = (
            max(0, stride[1] * (columns - 1) + 1 - dense.shape[-1]),
            max(0, stride[0] * (rows - 1) + 1 - dense.shape[-2]),
        )
        if any(missing):
            dense = F.pad(dense, (0, missing[0], 0, missing[1]), mode="replicate")
        reduced: Tensor = self.blur(dense)
        return reduced[..., :rows, :columns]


def reducing_pools(network: nn.Module) -> dict[str, nn.Module]:
    """Path -> pool that reduces the resolution; pools of stride 1, as in an Inception block, are excluded."""
    return {
        path: module
        for path, module in network.named_modules()
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d) and max(_pair(module.stride)) > 1
    }


def is_uneven(pool: nn.Module) -> bool:
    """Whether the windows cover some positions more often than others, which puts a pattern on gradients."""
    kernel, stride, _, _ = _windows(pool)
    return any(side % step for side, step in zip(kernel, stride, strict=True))


def even_like(pool: nn.Module) -> nn.Module:
    """The same kind of pool with windows as large as their stride: each position is in one window."""
    _, stride, padding, ceil = _windows(pool)
    rounds_up = ceil or any(padding)
    if isinstance(pool, nn.AvgPool2d):
        return nn.AvgPool2d(stride, stride, ceil_mode=rounds_up, count_include_pad=False)
    return nn.MaxPool2d(stride, stride, ceil_mode=rounds_up)


def average_like(pool: Pool) -> nn.AvgPool2d:
    """An average pool with the windows of `pool`, without padding in its means: it would reduce features at borders."""
    return nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode, count_include_pad=False)


def max_like(pool: Pool) -> nn.MaxPool2d:
    """A max pool with the windows of `pool`."""
    return nn.MaxPool2d(pool.kernel_size, pool.stride, pool.padding, ceil_mode=pool.ceil_mode)


def l2_scale(count: int) -> float:
    """Mean of the largest of `count` rectified standard normals, over the mean of the root of their mean square.

    The number j of positive values is binomial; the root of the sum of their squares then has the mean of the chi
    distribution with j degrees of freedom. The mean of the largest is the integral of 1 - Phi(x)^count over x > 0.
    """
    root = sum(
        math.comb(count, j) * 0.5**count * math.sqrt(2 / count) * math.gamma((j + 1) / 2) / math.gamma(j / 2)
        for j in range(1, count + 1)
    )
    points = (_INTEGRATION_STEP * (index + 0.5) for index in range(round(_BEYOND / _INTEGRATION_STEP)))
    largest = sum(1 - (0.5 + 0.5 * math.erf(x / math.sqrt(2))) ** count for x in points) * _INTEGRATION_STEP
    return largest / root


def _with_stride_one(pool: nn.Module) -> nn.Module:
    if isinstance(pool, L2Pool):
        dense = L2Pool(pool.mean)
        dense.mean.stride, dense.mean.ceil_mode = 1, False
        return dense
    kernel, _, padding, _ = _windows(pool)
    if isinstance(pool, nn.AvgPool2d):
        return nn.AvgPool2d(kernel, 1, padding, count_include_pad=pool.count_include_pad)
    return nn.MaxPool2d(kernel, 1, padding)


def _windows(pool: nn.Module) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], bool]:
    """Kernel, stride, padding and ceil mode."""
    windows = pool.mean if isinstance(pool, L2Pool) else pool
    if not isinstance(windows, nn.MaxPool2d | nn.AvgPool2d):
        raise TypeError(f"not a pool: {pool}")
    return _pair(windows.kernel_size), _pair(windows.stride), _pair(windows.padding), windows.ceil_mode


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _reduced(side: int, kernel: int, stride: int, padding: int, *, ceil: bool) -> int:
    """Number of windows along one axis, same as torch's."""
    span = side + 2 * padding - kernel
    count = (-(-span // stride) if ceil else span // stride) + 1
    # In ceil mode, no window may start after the input and its padding before it.
    return count - 1 if ceil and (count - 1) * stride >= side + padding else count
