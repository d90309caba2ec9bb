"""Max pools that save indices for the backward pass in 16 bits instead of torch's 64."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_MOST = torch.iinfo(torch.int16).max


class CompactMaxPool(nn.MaxPool2d):
    """A max pool that saves less memory for the backward pass; outputs and gradients equal torch's, bit for bit.

    torch saves the index of each maximum within the feature map as a 64-bit integer, four times the size of the maximum
    itself in bfloat16. The index relative to the start of the window fits into 16 bits.
    """

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        if not (torch.is_grad_enabled() and features.requires_grad) or self._farthest(features.shape[-1]) > _MOST:
            pooled: Tensor = super().forward(features)
        else:
            pooled = _Maximum.apply(features, self)
        return pooled

    def window_starts(self, features: Tensor, pooled: Tensor) -> Tensor:
        """Flat index of the first position of each window, (H', W'); negative for a window that starts in padding."""
        width = features.shape[-1]
        starts = []
        for side, stride, padding in zip(pooled.shape[-2:], _pair(self.stride), _pair(self.padding), strict=True):
            starts.append(torch.arange(side, device=features.device) * stride - padding)
        return starts[0][:, None] * width + starts[1]

    def arguments(self) -> tuple[Any, ...]:
        """Arguments of torch's pool, in its order."""
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode

    def _farthest(self, width: int) -> int:
        """Largest flat index within a window, for a feature map of `width` columns."""
        (rows, columns), (down, right) = _pair(self.kernel_size), _pair(self.dilation)
        return (rows - 1) * down * width + (columns - 1) * right


class _Maximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, pool: CompactMaxPool) -> Tensor:
        pooled, places = F.max_pool2d_with_indices(features, *pool.arguments())
        within = places.sub_(pool.window_starts(features, pooled)).to(torch.int16)
        ctx.save_for_backward(features, within)  # no further memory: the ReLU before the pool saves the features, too
        ctx.pool = pool
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        features, within = ctx.saved_tensors
        kernel, *others = (_pair(size) for size in ctx.pool.arguments()[:-1])
        places = within.to(torch.int64)
        places += ctx.pool.window_starts(features, within)
        back = torch.ops.aten.max_pool2d_with_indices_backward
        return back(gradients[0], features, kernel, *others, ctx.pool.ceil_mode, places), None


def compact_pools(network: nn.Module) -> None:
    """Replace all max pools by `CompactMaxPool`; in place."""
    for module in network.modules():
        if type(module) is nn.MaxPool2d and not module.return_indices:
            module.__class__ = CompactMaxPool


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
