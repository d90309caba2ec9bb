"""Communication between the processes that work on one image."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from rnst.errors import RnstError

_FIRST = 0  # rank whose values all ranks use, because devices could differ by rounding


class DeviceLostError(RnstError):
    """Another process of the same run has ended or does not respond."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"another device of this run was lost ({' '.join(reason.split())[:120]})")


def rank() -> int:
    """Rank of this process in the run."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world_size() -> int:
    """Number of processes that work on the image."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """Replace a tensor by the sum of all ranks' tensors; in place.

    Raises:
        DeviceLostError: another rank does not respond.
    """
    if world_size() > 1:
        with _reporting_lost_devices():
            dist.all_reduce(tensor)
    return tensor


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
    with _reporting_lost_devices():
        dist.broadcast(tensor, _FIRST)
    return tensor


@contextlib.contextmanager
def _reporting_lost_devices() -> Iterator[None]:
    """Raise DeviceLostError for a connection that breaks or times out."""
    try:
        yield
    except RuntimeError as error:
        raise DeviceLostError(str(error)) from error


def leave_group() -> None:
    """Close the connection to the other processes, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
