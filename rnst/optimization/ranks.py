"""Sums and copies of tensors over the processes that work on one image."""

import contextlib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from rnst.errors import RnstError
from rnst.optimization.process_group import lost, wait_for_all, world_size

_HASH_BITS = 20  # sums of squares over ranks are then exact in float64
_FIRST = 0  # rank whose values all ranks use, because devices could differ by rounding


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """Replace a tensor by the sum of all ranks' tensors; in place.

    Raises:
        DeviceLostError: another rank does not respond.
    """
    if world_size() > 1:
        with together():
            dist.all_reduce(tensor)
    return tensor


class OtherPlanError(RnstError):
    """The processes of one run do not do the same work."""

    def __init__(self) -> None:
        super().__init__(
            "the processes of this run cut the image differently, so their sums would be wrong. Start all of them with "
            "the same command, the same files and the same version of rnst"
        )


def plan_hash(*plan: object) -> int:
    """A number, equal for equal plans, in every process.

    Args:
        plan: numbers, texts, and tuples and frozen dataclasses of them.
    """
    return zlib.crc32(repr(plan).encode()) >> (32 - _HASH_BITS)


def sum_with_hash(tensors: Sequence[Tensor], number: int) -> list[Tensor]:
    """Sums over all ranks of each tensor, in one message that also compares a `plan_hash` of the ranks.

    Args:
        tensors: the same shapes on all ranks, all of one floating-point type.
        number: hash of what this rank works at.

    Raises:
        OtherPlanError: the hashes of the ranks differ; all ranks raise it.
        DeviceLostError: another rank does not respond.
    """
    known = tensors[0].new_tensor([float(number), float(number) ** 2], dtype=torch.float64)
    message = sum_over_ranks(torch.cat([known, *(tensor.flatten().double() for tensor in tensors)]))
    total, squares = message[:2].tolist()
    if total**2 != world_size() * squares:  # equal for equal numbers alone (Cauchy-Schwarz)
        raise OtherPlanError
    parts = message[2:].split([tensor.numel() for tensor in tensors])
    return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]


def follow_first(parameters: Iterable[nn.Parameter]) -> None:
    """Copy the first rank's parameters to all ranks now, and its gradients after each backward pass.

    The number of evaluations of L-BFGS's line search depends on these values. If ranks differed by rounding, one could
    evaluate once more and wait for the others forever.

    Raises:
        DeviceLostError: another rank does not respond.
    """
    for parameter in parameters if world_size() > 1 else ():
        _copy_of_first(parameter.data)
        parameter.register_post_accumulate_grad_hook(_follow_gradient)


def _follow_gradient(parameter: Tensor) -> None:
    if parameter.grad is not None:
        _copy_of_first(parameter.grad)


def agreed(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The losses with the first rank's values and their own gradients."""
    values = _copy_of_first(torch.stack([loss.detach().double() for loss in losses.values()]))
    return {name: _WithValue.apply(loss, value) for (name, loss), value in zip(losses.items(), values, strict=True)}


class _WithValue(torch.autograd.Function):
    """Replace the value of a loss; the gradient stays the same."""

    @staticmethod
    def forward(_ctx: Any, loss: Tensor, value: Tensor) -> Tensor:
        """The new value."""
        return value.to(loss.dtype)

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient, unchanged."""
        return gradient, None


def _copy_of_first(tensor: Tensor) -> Tensor:
    with together():
        dist.broadcast(tensor, _FIRST)
    return tensor


@contextlib.contextmanager
def together() -> Iterator[None]:
    """A block with a collective operation: entered when all processes are there, however late one comes.

    Raises:
        DeviceLostError: another process has ended, before the block or within it, where the connection breaks.
    """
    wait_for_all()
    try:
        yield
    except RuntimeError as error:
        raise lost(str(error)) from error
