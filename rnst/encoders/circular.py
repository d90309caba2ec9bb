"""A network for pictures that repeat: its windows continue at the opposite border instead of in padding."""

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnst.encoders.encoder import Encoder
from rnst.encoders.surgery.changes import Blur
from rnst.encoders.surgery.pools import DensePool, L2Pool
from rnst.image.periodic import Wraps, wrapped

STRIDE_PERIOD = 32  # pixels; a side that wraps must be a multiple of every stride up to the deepest layer in use
_AXES = (-2, -1)
_PROBE = (96, 128)  # height and width of the picture of noise that is rolled
_TOLERANCE = 1e-3  # of the largest feature; float32 rounds far below it
_REACH = 4  # of a blur after a pool


class CircularConv2d(nn.Conv2d):
    """A convolution that wraps along some axes; a side that is a multiple of the stride becomes side / stride.

    Along the other axes it is unchanged. The first position keeps its place, so that one period of the output equals
    what an unlimited repetition of the input would give.
    """

    wraps: Wraps

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002 - torch's name
        columns, rows = self._reversed_padding_repeated_twice[:2], self._reversed_padding_repeated_twice[2:]
        fixed = [0, 0, 0, 0]  # in the order of F.pad: columns before and after, then rows
        for number, (axis, padding) in enumerate(zip(_AXES, (rows, columns), strict=True)):
            if self.wraps[number]:
                span = self.dilation[number] * (self.kernel_size[number] - 1) + 1
                after = max(0, span - self.stride[number] - padding[0])
                input = wrapped(input, axis, padding[0], after)  # noqa: A001
            else:
                fixed[2 - 2 * number : 4 - 2 * number] = padding
        if any(fixed):
            mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
            input = F.pad(input, fixed, mode=mode)  # noqa: A001
        return F.conv2d(input, weight, bias, self.stride, 0, self.dilation, self.groups)


class CircularWindows(nn.Module):
    """A pool or filter that wraps along some axes: it gets more of the repeating input, and the excess is cut off.

    Args:
        module: with windows of a limited size.
        stride: of the windows.
        reach: positions that a window covers at most.
        wraps: axes along which its input repeats.
    """

    def __init__(self, module: nn.Module, stride: int, reach: int, wraps: Wraps) -> None:
        super().__init__()
        self.module = module
        self.stride = stride
        self.more = stride * math.ceil(reach / stride)
        self.wraps = wraps

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H', W'); along axes that wrap, H' is H / stride."""
        sides = features.shape[-2:]
        for axis, wrap in zip(_AXES, self.wraps, strict=True):
            features = wrapped(features, axis, self.more, self.more) if wrap else features
        output: Tensor = self.module(features)
        for axis, side, wrap in zip(_AXES, sides, self.wraps, strict=True):
            output = output.narrow(axis, self.more // self.stride, side // self.stride) if wrap else output
        return output


def circular(encoder: Encoder, wraps: Wraps) -> Encoder | None:
    """A copy of an encoder for pictures that repeat; it shares the weights. None if it cannot be had.

    Features of a picture rolled by STRIDE_PERIOD must be the rolled features. The copy is tested for that, which holds
    for every network of convolutions, pools and functions of single positions, and not for one with embeddings of
    positions or with padding of its own.

    Args:
        encoder: frozen, with its changes applied.
        wraps: axes along which the pictures repeat; their sides are multiples of STRIDE_PERIOD.
    """
    tensors = [*encoder.parameters(), *encoder.buffers()]
    copied: Encoder = copy.deepcopy(encoder, {id(tensor): tensor for tensor in tensors})
    _wrap(copied.network, wraps)
    return copied if _rolls(copied, wraps) else None


def _wrap(network: nn.Module, wraps: Wraps) -> None:
    for name, module in list(network.named_children()):
        if type(module) is nn.Conv2d:
            module.__class__ = CircularConv2d
            module.wraps = wraps  # type: ignore[assignment]  # known to the new class
        elif (windows := _windows(module)) is not None:
            setattr(network, name, CircularWindows(module, *windows, wraps))
        else:
            _wrap(module, wraps)


def _windows(module: nn.Module) -> tuple[int, int] | None:
    """Stride and reach of a pool or filter of one stride for both axes."""
    if isinstance(module, Blur):
        return module.stride, module.kernel.shape[-1]
    if isinstance(module, DensePool):
        kernel, stride, _, _ = module.windows
        return (stride[0], max(kernel) + _REACH) if stride[0] == stride[1] else None
    pool: Any = module.mean if isinstance(module, L2Pool) else module
    if not isinstance(pool, nn.MaxPool2d | nn.AvgPool2d):
        return None
    stride, kernel = _pair(pool.stride), _pair(pool.kernel_size)
    return (stride[0], max(kernel) + 1) if stride[0] == stride[1] else None


@torch.no_grad()
def _rolls(encoder: Encoder, wraps: Wraps) -> bool:
    """Whether the features of a rolled picture are the rolled features."""
    noise = torch.rand(1, 3, *_PROBE, generator=torch.Generator().manual_seed(0)).to(encoder.mean.device)
    axes = [axis for axis, wrap in zip(_AXES, wraps, strict=True) if wrap]
    try:
        before, after = encoder(noise), encoder(noise.roll([STRIDE_PERIOD] * len(axes), axes))
    except RuntimeError:  # shapes that no longer fit
        return False
    for layer, features in before.items():
        steps = [features.shape[axis] * STRIDE_PERIOD / noise.shape[axis] for axis in axes]
        if any(step != int(step) for step in steps):
            return False
        difference = (features.roll([int(step) for step in steps], axes) - after[layer]).abs().max()
        if not bool(difference <= _TOLERANCE * features.abs().max()):
            return False
    return True


def _pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])
