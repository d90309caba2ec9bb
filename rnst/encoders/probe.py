"""Forward passes on the meta device that find which modules of a network run, and the shapes of their outputs."""

import copy
import math
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from rnst.encoders.tokens import patch_size

_SIZES = ((224, 256), (288, 352))  # two sizes, to find the axes that grow with the image; multiples of 32


class AllFound(Exception):  # noqa: N818 - not an error: ends a forward pass early
    """Every requested layer has been reached."""


def run_hooked(network: nn.Module, images: Tensor, handles: Iterable[RemovableHandle]) -> None:
    """Run a network to its end, or until a hook raises AllFound; always remove the hooks."""
    try:
        network(images)
    except AllFound:
        pass
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class Trace:
    """Record of one run.

    Attributes:
        outputs: module path -> its first output, in the order in which modules return.
        versions: module path -> version counter of the output when the module returned.
        used: modules that ran.
        makers: module path -> innermost module that returned the same tensor.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    used: set[nn.Module] = field(default_factory=set)
    makers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tap:
    """How the output of a module is read as features.

    Attributes:
        layout: "maps" (N, C, H, W), "channels last" (N, H, W, C) or "tokens" (N, T, C).
        overwritten: the network later modifies the output in place, so that it must be copied first.
        stride: pixels of the image per position, rounded to a power of two.
        maker: path of the innermost module with this output, such as the last ReLU of a stage of a ResNet.
    """

    layout: str
    overwritten: bool
    stride: int = 1
    maker: str = ""


def trace(network: nn.Module, until: Collection[str] = (), size: tuple[int, int] = _SIZES[0]) -> Trace:
    """Run a network whose parameters are on the meta device.

    Args:
        network: in eval mode.
        until: module paths; the run ends when all of them have been reached. If empty, it runs to the end.
        size: height and width of the image.
    """
    found, waiting = Trace(), set(until)
    made: dict[int, tuple[object, str]] = {}  # by id; the reference to the output keeps its id unique
    handles = []
    for path, module in network.named_modules():

        def note(module: nn.Module, _inputs: object, output: object, path: str = path) -> None:
            found.used.add(module)
            made.setdefault(id(output), (output, path))
            if path not in found.outputs:
                found.makers[path] = made[id(output)][1]
                found.outputs[path] = output
                found.versions[path] = output._version if isinstance(output, Tensor) else 0
            waiting.discard(path)
            if until and not waiting:
                raise AllFound

        handles.append(module.register_forward_hook(note))
    # A module that contains the deepest layer does not return, but it is used.
    handles += [
        module.register_forward_pre_hook(lambda module, _inputs: found.used.add(module)) for module in network.modules()
    ]
    run_hooked(network, torch.empty(1, 3, *size, device="meta"), handles)
    return found


def survey(
    network: nn.Module, paths: Collection[str], until: Collection[str] = ()
) -> tuple[dict[str, Tap | None], list[str]]:
    """The taps of modules, and the modules that never run.

    Args:
        network: on the meta device, in eval mode.
        paths: of modules.
        until: the run ends when all of these modules have been reached. If empty, it runs to the end.

    Returns:
        Module path -> tap, the deepest last, or None if the output is not a feature map of the image; and the paths of
        modules that never ran, without their submodules.
    """
    small, large = (trace(network, until, size) for size in _SIZES)
    found = [path for path in small.outputs if path in paths]
    patch = patch_size(network)
    taps = {path: _tap(small, large, path, patch) for path in [*(set(paths) - set(found)), *found]}
    return taps, _unused(network, small.used)


def smallest_side(network: nn.Module, paths: Collection[str], size: Sequence[int]) -> int | None:
    """Pixels that an image must have on each side; None if `size` is large enough, or the reason is another.

    Args:
        network: on any device.
        paths: modules that must be reached.
        size: height and width of an image that failed.
    """
    skeleton = copy.deepcopy(network).to("meta")

    def fits(height: int, width: int) -> bool:
        try:
            trace(skeleton, paths, (height, width))
        except RuntimeError:
            return False
        return True

    if fits(size[0], size[1]):
        return None
    least, most = min(size) + 1, _SIZES[0][0]
    if not fits(most, most):
        return None
    return least + bisect_left(range(least, most), x=True, key=lambda side: fits(side, side))


def _tap(small: Trace, large: Trace, path: str, patch: int) -> Tap | None:
    one, other = small.outputs.get(path), large.outputs.get(path)
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return None
    layout = _layout(one.shape, other.shape)
    if layout is None or (layout == "tokens" and not _covers(one, other, patch)):
        return None
    places = {"maps": one[0, 0].numel(), "channels last": one[0, ..., 0].numel(), "tokens": one.shape[1]}[layout]
    stride = 2 ** round(math.log2(math.prod(_SIZES[0]) / places) / 2)
    return Tap(layout, one._version != small.versions[path], stride, small.makers[path])


def _covers(one: Tensor, other: Tensor, patch: int) -> bool:
    """Whether there is one token per patch, apart from the same number of class or register tokens at both sizes."""
    if not patch:
        return False
    grids = [math.prod(-(-side // patch) for side in size) for size in _SIZES]
    return 0 <= one.shape[1] - grids[0] == other.shape[1] - grids[1]


def _layout(one: torch.Size, other: torch.Size) -> str | None:
    """The layout, found from the axes that grow with the image."""
    if len(one) != len(other):
        return None
    grows = tuple(side != its for side, its in zip(one, other, strict=True))
    return {
        (False, False, True, True): "maps",
        (False, True, True, False): "channels last",
        (False, True, False): "tokens",
    }.get(grows)


def _unused(network: nn.Module, used: set[nn.Module]) -> list[str]:
    """Paths of modules that did not run, without their submodules.

    Only direct submodules of the network and of `nn.Sequential` are considered: an attention module reads the weights
    of its submodules without calling them.
    """
    unused: list[str] = []
    for path, module in network.named_modules():
        parent = network.get_submodule(path.rpartition(".")[0])
        in_a_row = parent is network or isinstance(parent, nn.Sequential)
        inside = path.startswith(tuple(f"{outer}." for outer in unused))
        if in_a_row and not inside and used.isdisjoint(module.modules()):
            unused.append(path)
    return unused
