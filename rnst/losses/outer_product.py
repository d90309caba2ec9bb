"""The sums behind every Gram matrix, with the memory and the arithmetic that they need and no more."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

_NUMBERS_AT_A_TIME = 2**21  # converted to float32: 8 MB
_VIEWS = ("Squeeze", "Permute", "View", "UnsafeView", "Reshape", "Slice")


def sums_over_positions(positions: Tensor) -> tuple[Tensor, Tensor]:
    """Positions (N, C) to their sum (C,) and the sum of the outer products of each with itself (C, C).

    In float32, or in float64 where the positions are; differentiable once. Autograd of `positions.T @ positions` would
    do twice the work that the symmetry of the result asks for, add the two halves of its gradient in different memory
    layouts, and keep a float32 copy of bfloat16 features until then. This one converts a few thousand positions at a
    time, its gradient has the layout that convolutions want, and comes when the network's way back has arrived there:
    losses are computed after the whole network, so the gradients of all their layers would otherwise be made first, and
    wait in memory while everything else is still there.
    """
    total, outer = _Sums.apply(positions)
    if outer.grad_fn is not None and positions.grad_fn is not None:
        _come_as_late_as(positions.grad_fn, outer.grad_fn)
    return total, outer


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, positions: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(positions)
        ctx.set_materialize_grads(value=False)
        channels = positions.shape[1]
        precision = torch.float64 if positions.dtype == torch.float64 else torch.float32
        total = torch.zeros(channels, dtype=precision, device=positions.device)
        outer = torch.zeros(channels, channels, dtype=precision, device=positions.device)
        for rows in _parts(positions):
            precise = rows.to(precision)
            total += precise.sum(0)
            outer.addmm_(precise.T, precise)
        return total, outer

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_total: Tensor | None, of_outer: Tensor | None) -> Tensor | None:
        (positions,) = ctx.saved_tensors
        if of_outer is None:
            return None if of_total is None else of_total.to(positions.dtype).expand_as(positions)
        symmetric = of_outer + of_outer.T
        result = torch.empty_like(positions)
        for rows, into in zip(_parts(positions), _parts(result), strict=True):
            precise = rows.to(symmetric.dtype)
            into.copy_(precise @ symmetric if of_total is None else torch.addmm(of_total, precise, symmetric))
        return result


def _come_as_late_as(node: Any, loss: Any) -> None:
    """Let autograd run `loss` after all that came after `node` on the way forward.

    Of what is ready on the way back, autograd runs what was made last. The number of a node is not part of torch's
    public interface: where a release has no such method, nothing is lost but memory.
    """
    while node.name().startswith(_VIEWS):  # taken after the whole network has run
        node = node.next_functions[0][0]
    if hasattr(loss, "_set_sequence_nr"):
        loss._set_sequence_nr(node._sequence_nr())


def _parts(positions: Tensor) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = positions.split(max(1, _NUMBERS_AT_A_TIME // positions.shape[1]))
    return parts
