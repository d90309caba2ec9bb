"""The sum of outer products behind every Gram matrix, with the memory and the arithmetic that it needs and no more."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

_NUMBERS_AT_A_TIME = 2**21  # converted to float32: 8 MB


def sum_of_outer_products(positions: Tensor) -> Tensor:
    """Positions (N, C) to the sum of the outer products of each with itself, (C, C); differentiable once.

    In float32, or in float64 where the positions are. Autograd of `positions.T @ positions` would do twice the work
    that the symmetry of the result asks for, add the two halves of its gradient in different memory layouts, and keep
    a float32 copy of bfloat16 features until then. This one converts a few thousand positions at a time, and its
    gradient has the layout that convolutions want.
    """
    total: Tensor = _SumOfOuterProducts.apply(positions)
    return total


class _SumOfOuterProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, positions: Tensor) -> Tensor:
        ctx.save_for_backward(positions)
        channels = positions.shape[1]
        precision = torch.float64 if positions.dtype == torch.float64 else torch.float32
        total = torch.zeros(channels, channels, dtype=precision, device=positions.device)
        for rows in _parts(positions):
            precise = rows.to(precision)
            total.addmm_(precise.T, precise)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (positions,) = ctx.saved_tensors
        symmetric = gradient + gradient.T
        result = torch.empty_like(positions)
        for rows, into in zip(_parts(positions), _parts(result), strict=True):
            into.copy_(rows.to(symmetric.dtype) @ symmetric)
        return result


def _parts(positions: Tensor) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = positions.split(max(1, _NUMBERS_AT_A_TIME // positions.shape[1]))
    return parts
