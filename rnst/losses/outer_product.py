"""Sums of features and of their outer products, the basis of Gram matrices, with little memory and arithmetic."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

_NUMBERS_AT_A_TIME = 2**21  # converted to float32: 8 MB
_VIEWS = ("Squeeze", "Permute", "View", "UnsafeView", "Reshape", "Slice")


def sums_over_positions(positions: Tensor) -> tuple[Tensor, Tensor]:
    """Positions (N, C) to their sum (C,) and the sum of the outer products of each with itself (C, C).

    The results are float32, or float64 for float64 positions, and differentiable once. Autograd of
    `positions.T @ positions` would do twice the work that the symmetric result needs, add the two halves of its
    gradient in different memory layouts, and keep a float32 copy of bfloat16 features until the backward pass. This
    function converts a few thousand positions at a time, and its gradient has the memory layout of convolutions.

    The gradient is computed when the backward pass of the network reaches the layer. Losses are computed after the
    whole network, so autograd would otherwise compute the gradients of all layers first and hold them in memory
    together with all activations.
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
    """Let autograd run `loss` after all nodes that followed `node` in the forward pass.

    Among the nodes that are ready in the backward pass, autograd runs the most recent one first. The sequence number of
    a node is not part of torch's public interface: with a release that lacks the method, only memory is lost.
    """
    while node.name().startswith(_VIEWS):  # taken after the whole network has run
        node = node.next_functions[0][0]
    if hasattr(loss, "_set_sequence_nr"):
        loss._set_sequence_nr(node._sequence_nr())


def _parts(positions: Tensor) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = positions.split(max(1, _NUMBERS_AT_A_TIME // positions.shape[1]))
    return parts
