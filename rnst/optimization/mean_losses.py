"""The mean of several losses of one image, with the memory of one loss."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Losses = dict[str, Tensor]
_TOTAL = "total"


def mean_losses(measures: Sequence[Callable[[Tensor], Losses]], image: Tensor) -> Losses:
    """Mean of the losses that each of `measures` computes for an image.

    Each measure runs its forward and backward pass before the next one starts, so that only one graph exists at a time.
    The summed gradient is stored in the forward pass; only "total" of the result is differentiable.

    Args:
        measures: functions from image to named scalars, "total" among them; all return the same names.
        image: (1, 3, H, W).
    """
    if len(measures) == 1:
        return measures[0](image)
    names: list[str] = []
    values = _Mean.apply(image, measures, names)
    return dict(zip(names, values, strict=True))


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, image: Tensor, measures: Sequence[Callable[[Tensor], Losses]], names: list[str]
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        gradient = torch.zeros_like(image)
        sums: Losses = {}
        for measure in measures:
            own = image.detach().requires_grad_(ctx.needs_input_grad[0])
            with torch.set_grad_enabled(ctx.needs_input_grad[0]):
                losses = measure(own)
            if own.requires_grad:
                # As outside of a forward pass: losses stay in fp32, and each operation keeps its own precision.
                with torch.autocast(image.device.type, enabled=False):
                    gradient += torch.autograd.grad(losses[_TOTAL], own)[0] / len(measures)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.detach() / len(measures)
        names[:] = sums
        ctx.save_for_backward(gradient)
        ctx.total = names.index(_TOTAL)
        ctx.mark_non_differentiable(*(value for name, value in sums.items() if name != _TOTAL))
        return tuple(sums.values())

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None, None]:
        (gradient,) = ctx.saved_tensors
        pull = gradients[ctx.total]
        return (None if pull is None else pull * gradient), None, None
