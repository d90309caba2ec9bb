"""Receptive fields of layers, found by intercepting every operation of a forward pass on the meta device."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from rnst.errors import RnstError

_PROBE = (3, 232, 264)  # rows and columns differ, so that a transposition is detected
_LAST_TWO = slice(-2, None)


class CannotTileError(RnstError):
    """The features of the network do not depend on a bounded part of the image."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"this network cannot be cut into tiles: {reason}. --tile 0 --devices 1 computes the whole picture"
        )


@dataclass(frozen=True)
class Reach:
    """Receptive field along one axis: position p depends on pixels p * stride - before to p * stride + after.

    Attributes:
        stride: pixels between two positions.
        before: pixels to the left of, or above, the pixel p * stride; negative if the field begins after that pixel.
        after: pixels to the right of, or below, the pixel p * stride.
    """

    stride: int = 1
    before: int = 0
    after: int = 0

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> "Reach":
        """The reach after a convolution or pool."""
        before = self.before + padding * self.stride
        after = self.after + (dilation * (kernel - 1) - padding) * self.stride
        return Reach(self.stride * stride, before, after)

    def padded(self, begin: int, *, mirrored: bool = False) -> "Reach":
        """The reach after a padding of `begin` positions, or a crop if negative; `mirrored` is reflection padding."""
        change = begin * self.stride
        return Reach(self.stride, self.before + change, self.after + (abs(change) if mirrored else -change))

    def joined(self, other: "Reach") -> "Reach":
        """The reach of a sum or concatenation.

        Raises:
            CannotTileError: the strides differ.
        """
        if self.stride != other.stride:
            raise CannotTileError(f"it joins features of strides {self.stride} and {other.stride}")
        return Reach(self.stride, max(self.before, other.before), max(self.after, other.after))


@dataclass(frozen=True)
class Field:
    """Receptive field of a layer along rows and columns."""

    rows: Reach = Reach()
    columns: Reach = Reach()

    def joined(self, other: "Field") -> "Field":
        """The field of a sum or concatenation."""
        return Field(self.rows.joined(other.rows), self.columns.joined(other.columns))


@torch.no_grad()
def receptive_fields(encoder: nn.Module) -> dict[str, Field]:
    """Receptive field of each layer of an encoder, without computing features.

    The network runs once on meta tensors. Operations that are not known to be local, such as attention or the global
    pool of squeeze and excitation, are rejected.

    Args:
        encoder: images (1, 3, H, W) to layer -> features (1, C, H', W').

    Raises:
        CannotTileError: a layer depends on the whole image, or an operation is unknown.
    """
    images = torch.empty(1, *_PROBE, device="meta")
    try:
        with _Walk(images) as walk:
            features = _without_memory(encoder, images)
    except (AssertionError, RuntimeError) as error:  # networks of one input size, such as transformers
        raise CannotTileError(f"it does not take a picture of {_PROBE[1]} x {_PROBE[2]} ({error})") from error
    return {layer: walk.field(tensor, layer) for layer, tensor in features.items()}


@torch.no_grad()
def layer_sizes(encoder: nn.Module, size: tuple[int, int]) -> dict[str, torch.Size]:
    """Shape (1, C, H', W') of each layer for an image of height and width `size`, without computing features."""
    features = _without_memory(encoder, torch.empty(1, 3, *size, device="meta"))
    return {layer: tensor.shape for layer, tensor in features.items()}


def _without_memory(encoder: nn.Module, images: Tensor) -> Mapping[str, Tensor]:
    state = {name: tensor.to("meta") for name, tensor in (*encoder.named_parameters(), *encoder.named_buffers())}
    features: Mapping[str, Tensor] = functional_call(encoder, state, (images,))
    return features


class _Walk(TorchDispatchMode):
    """Tracks the fields of tensors through every operation; tensors independent of the image have no field."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch gives no types here
        self._fields: dict[int, tuple[Tensor, Field]] = {id(images): (images, Field())}  # the tensor keeps its id alive

    def field(self, tensor: Tensor, layer: str) -> Field:
        """Field of the output of a layer."""
        if id(tensor) not in self._fields or tensor.dim() != len(_PROBE) + 1:
            raise CannotTileError(f"{layer} is not a feature map")
        return self._fields[id(tensor)][1]

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        inputs = [tensor for tensor in _tensors(args) if id(tensor) in self._fields]
        if inputs:
            field = self._fields[id(inputs[0])][1]
            for tensor in inputs[1:]:
                field = field.joined(self._fields[id(tensor)][1])
            for output in result if isinstance(result, list) else _tensors((result,))[:1]:
                self._fields[id(output)] = (output, _behind(func, args, inputs, output, field))
        return result


def _tensors(values: Sequence[Any]) -> list[Tensor]:
    """Tensors in arguments and in lists of arguments."""
    flat = [item for value in values for item in (value if isinstance(value, list | tuple) else (value,))]
    return [item for item in flat if isinstance(item, Tensor)]


def _behind(func: Any, args: tuple[Any, ...], inputs: Sequence[Tensor], output: Tensor, field: Field) -> Field:
    """Field of the output of an operation; `field` is the joined field of its inputs."""
    name = func.overloadpacket.__name__
    if name in _SPATIAL:
        return _SPATIAL[name](field, args)
    # Each output depends only on inputs of its own position, or the operation reorders channels only.
    local = torch.Tag.pointwise in func.tags or name in _LOCAL or (name in _ALONG and _crosses_channels(name, args))
    local &= not (name == "native_batch_norm" and args[_TRAINING])
    in_place = all(tensor.shape[_LAST_TWO] == output.shape[_LAST_TWO] for tensor in inputs)
    if not (local and in_place):
        raise CannotTileError(f"the operation {name} is not known to use a bounded part of the picture")
    return field


def _pair(values: Sequence[int] | int) -> tuple[int, int]:
    rows, *rest = [values] if isinstance(values, int) else list(values)
    return rows, rest[0] if rest else rows


def _window(field: Field, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Field:
    rows, columns = zip(*(_pair(values) for values in (kernel, stride, padding, dilation)), strict=True)
    return Field(field.rows.through(*rows), field.columns.through(*columns))


def _convolution(field: Field, args: tuple[Any, ...]) -> Field:
    _, weight, _, stride, padding, dilation, transposed, *_ = args
    if transposed:
        raise CannotTileError("it has a transposed convolution")
    return _window(field, weight.shape[2:], stride, padding, dilation)


def _pool(field: Field, args: tuple[Any, ...]) -> Field:
    _, kernel, stride, padding, dilation = [*args, *_POOL_DEFAULTS[len(args) :]][:5]
    return _window(field, kernel, stride or kernel, padding, dilation)


def _average_pool(field: Field, args: tuple[Any, ...]) -> Field:
    return _pool(field, args[:4])


def _padding(field: Field, args: tuple[Any, ...], *, mirrored: bool = False) -> Field:
    sides = list(args[1])  # left, right, top, bottom
    left, top = sides[0], sides[2] if len(sides) > 2 else 0  # noqa: PLR2004 - the rows are optional
    return Field(field.rows.padded(top, mirrored=mirrored), field.columns.padded(left, mirrored=mirrored))


def _mirror(field: Field, args: tuple[Any, ...]) -> Field:
    return _padding(field, args, mirrored=True)


_TRAINING = 5  # argument of native_batch_norm
_POOL_DEFAULTS: tuple[Any, ...] = (None, None, [], 0, 1)  # input, kernel, stride (the kernel), padding, dilation
_SPATIAL: dict[str, Callable[[Field, tuple[Any, ...]], Field]] = {
    "convolution": _convolution,
    "max_pool2d_with_indices": _pool,
    "avg_pool2d": _average_pool,
    "constant_pad_nd": _padding,
    "replication_pad2d": _padding,
    "reflection_pad2d": _mirror,
}
_LOCAL = {
    "_native_batch_norm_legit_no_training",
    "native_batch_norm",
    "_to_copy",
    "alias",
    "channel_shuffle",
    "clone",
    "copy_",
    "detach",
    "native_channel_shuffle",
    "reshape",
    "_unsafe_view",
    "view",
}
_ALONG = {"_softmax": 1, "cat": 1, "slice": 1, "select": 1, "split": 2, "transpose": 1, "unsqueeze": 1}


def _crosses_channels(name: str, args: tuple[Any, ...]) -> bool:
    """Whether the axes of an operation exclude rows and columns."""
    dims = args[_ALONG[name] :][: 2 if name == "transpose" else 1] or (0,)
    rank = max(tensor.dim() for tensor in _tensors(args[:1]))
    return all(dim % rank < rank - 2 for dim in dims)


def common_stride(fields: Mapping[str, Field]) -> int:
    """Least common multiple of the strides of all layers in pixels: images are cut at its multiples."""
    return math.lcm(*(reach.stride for field in fields.values() for reach in (field.rows, field.columns)))
