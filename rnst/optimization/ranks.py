"""The processes that work on one picture, and what they tell each other."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from rnst.errors import RnstError

_FIRST = 0  # rank whose word counts where devices could differ in the last digit


class DeviceLostError(RnstError):
    """Another process of the same run ended, or does not answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"another device of this run was lost ({' '.join(reason.split())[:120]})")


def rank() -> int:
    """Number of this process among those of the run."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world_size() -> int:
    """How many processes work on the picture."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_over_ranks(tensor: Tensor) -> Tensor:
    """Replace a tensor by the sum of all ranks' tensors.

    Raises:
        DeviceLostError: another rank does not answer.
    """
    if world_size() > 1:
        with _losing_nobody():
            dist.all_reduce(tensor)
    return tensor


def follow_first(parameters: Iterable[nn.Parameter]) -> None:
    """Let all ranks have the parameters of the first one, now, and its gradients after each way back.

    The line search of L-BFGS decides by them how often it evaluates. If ranks differed in the last digit, one would
    evaluate once more and wait for the others for ever.

    Raises:
        DeviceLostError: another rank does not answer.
    """
    for parameter in parameters if world_size() > 1 else ():
        _copy_of_first(parameter.data)
        parameter.register_post_accumulate_grad_hook(_follow_gradient)


def _follow_gradient(parameter: Tensor) -> None:
    if parameter.grad is not None:
        _copy_of_first(parameter.grad)


def agreed(losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same losses with the first rank's values."""
    values = _copy_of_first(torch.stack([loss.detach().double() for loss in losses.values()]))
    return {name: _WithValue.apply(loss, value) for (name, loss), value in zip(losses.items(), values, strict=True)}


class _WithValue(torch.autograd.Function):
    """Another number with the same way back."""

    @staticmethod
    def forward(_ctx: Any, loss: Tensor, value: Tensor) -> Tensor:
        """The number."""
        return value.to(loss.dtype)

    @staticmethod
    def backward(_ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """As if nothing had been replaced."""
        return gradient, None


def _copy_of_first(tensor: Tensor) -> Tensor:
    with _losing_nobody():
        dist.broadcast(tensor, _FIRST)
    return tensor


@contextlib.contextmanager
def _losing_nobody() -> Iterator[None]:
    """Report a broken or silent connection as what it is."""
    try:
        yield
    except RuntimeError as error:
        raise DeviceLostError(str(error)) from error


def leave_group() -> None:
    """End the connection with the other processes, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
