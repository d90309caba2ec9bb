"""Pools that make better pictures than those a network was trained with, in their places."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

_TINY = 1e-12  # under a square root, whose slope at 0 is infinite
_INTEGRATION_STEP = 1e-3
_BEYOND = 10.0  # standard deviations

Pool = nn.MaxPool2d | nn.AvgPool2d


class L2Pool(nn.Module):
    """Root of the mean square of a window, scaled to the mean of the max pool that it stands in for.

    The scale is exact for independent activations that are rectified normal (see `l2_scale`). A picture painted through
    it gets a gradient at every pixel of the window, not only at the largest (Henaff and Simoncelli 2016).

    Args:
        pool: window and stride are taken from it.
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
    """A pool at stride 1 and a low-pass filter that reduces, with an output as large as that of the pool alone.

    Args:
        pool: with its own stride; it is left as it is.
        blur: filter that reduces by that stride.
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
        # A pool that rounds its size up looks beyond the border; the filter sees the last row and column again.
        missing = (
            max(0, stride[1] * (columns - 1) + 1 - dense.shape[-1]),
            max(0, stride[0] * (rows - 1) + 1 - dense.shape[-2]),
        )
        if any(missing):
            dense = F.pad(dense, (0, missing[0], 0, missing[1]), mode="replicate")
        reduced: Tensor = self.blur(dense)
        return reduced[..., :rows, :columns]


def reducing_pools(network: nn.Module) -> dict[str, nn.Module]:
    """Path -> pool, of those that reduce the resolution; pools of stride 1, as inside of an Inception block, do not."""
    return {
        path: module
        for path, module in network.named_modules()
        if isinstance(module, nn.MaxPool2d | nn.AvgPool2d) and max(_pair(module.stride)) > 1
    }


def is_uneven(pool: nn.Module) -> bool:
    """Whether the windows overlap some positions more often than others, which prints a pattern on gradients."""
    kernel, stride, _, _ = _windows(pool)
    return any(side % step for side, step in zip(kernel, stride, strict=True))


def even_like(pool: nn.Module) -> nn.Module:
    """The same kind of pool with windows as large as their stride: each position counts once."""
    _, stride, padding, ceil = _windows(pool)
    rounds_up = ceil or any(padding)
    if isinstance(pool, nn.AvgPool2d):
        return nn.AvgPool2d(stride, stride, ceil_mode=rounds_up, count_include_pad=False)
    return nn.MaxPool2d(stride, stride, ceil_mode=rounds_up)


def average_like(pool: Pool) -> nn.AvgPool2d:
    """An average pool with the windows of `pool`. Padding does not count: it would darken the borders of features."""
    return nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode, count_include_pad=False)


def max_like(pool: Pool) -> nn.MaxPool2d:
    """A max pool with the windows of `pool`."""
    return nn.MaxPool2d(pool.kernel_size, pool.stride, pool.padding, ceil_mode=pool.ceil_mode)


def l2_scale(count: int) -> float:
    """Mean of the largest of `count` rectified standard normals, over the mean of the root of their mean square.

    Of `count` values, j are positive with binomial probability; the root of the sum of their squares has then the mean
    of the chi distribution with j degrees of freedom. The largest has the mean of 1 - Phi(x)^count over x > 0.
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
    """Kernel, stride, padding, and whether sizes are rounded up."""
    windows = pool.mean if isinstance(pool, L2Pool) else pool
    if not isinstance(windows, nn.MaxPool2d | nn.AvgPool2d):
        raise TypeError(f"no pool: {pool}")
    return _pair(windows.kernel_size), _pair(windows.stride), _pair(windows.padding), windows.ceil_mode


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _reduced(side: int, kernel: int, stride: int, padding: int, *, ceil: bool) -> int:
    """Windows along one axis, as torch counts them."""
    span = side + 2 * padding - kernel
    count = (-(-span // stride) if ceil else span // stride) + 1
    # Where sizes are rounded up, no window may start behind the picture and its padding on the near side.
    return count - 1 if ceil and (count - 1) * stride >= side + padding else count
