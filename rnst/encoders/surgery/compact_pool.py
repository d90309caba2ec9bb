"""Max pools that remember in 16 bits what torch remembers in 64."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_MOST = torch.iinfo(torch.int16).max


class CompactMaxPool(nn.MaxPool2d):
    """A max pool of which less is kept for the way back; values and gradients are torch's own, bit for bit.

    torch keeps the place of each maximum in the picture as a 64-bit number: four times as many bytes as the maximum
    itself in bfloat16. Its place seen from its window is a small one.
    """

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W')."""
        if not (torch.is_grad_enabled() and features.requires_grad) or self._farthest(features.shape[-1]) > _MOST:
            pooled: Tensor = super().forward(features)
        else:
            pooled = _Maximum.apply(features, self)
        return pooled

    def window_starts(self, features: Tensor, pooled: Tensor) -> Tensor:
        """Number of the first pixel of each window, (H', W'); of one that begins in the padding it is negative."""
        width = features.shape[-1]
        starts = []
        for side, stride, padding in zip(pooled.shape[-2:], _pair(self.stride), _pair(self.padding), strict=True):
            starts.append(torch.arange(side, device=features.device) * stride - padding)
        return starts[0][:, None] * width + starts[1]

    def arguments(self) -> tuple[Any, ...]:
        """Of torch's own pool, in its order."""
        return self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode

    def _farthest(self, width: int) -> int:
        """Largest place within a window, counted along the rows of the picture."""
        (rows, columns), (down, right) = _pair(self.kernel_size), _pair(self.dilation)
        return (rows - 1) * down * width + (columns - 1) * right


class _Maximum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, pool: CompactMaxPool) -> Tensor:
        pooled, places = F.max_pool2d_with_indices(features, *pool.arguments())
        within = places.sub_(pool.window_starts(features, pooled)).to(torch.int16)
        ctx.save_for_backward(features, within)  # the features cost nothing: the ReLU before the pool keeps them, too
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
    """Let all max pools keep less for the way back; in place."""
    for module in network.modules():
        if type(module) is nn.MaxPool2d and not module.return_indices:
            module.__class__ = CompactMaxPool


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
