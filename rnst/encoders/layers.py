"""Layer names: from friendly names (relu4_2, layer3) to module paths, derived from the modules of the network."""

from collections import Counter
from collections.abc import Iterator, Sequence

from torch import nn

from rnst.encoders.probe import Tap, survey
from rnst.errors import RnstError, UnknownNameError

_KINDS = {nn.Conv2d: "conv", nn.BatchNorm2d: "bn", nn.ReLU: "relu", nn.MaxPool2d: "pool", nn.AvgPool2d: "pool"}
_FIRST_FIRE = 2  # SqueezeNet's authors count its first convolution too
_MOST_STYLE_LAYERS = 5
_SHORT_LIST = 12
# Not style layers by default: pools, changes of resolution, and parts of the head.
_NO_STYLE = ("pool", "maxpool", "downsample", "top", "norm", "bn", "ln", "permute", "patch", "conv_head", "conv_proj")
_NO_FEATURES = (nn.Identity, nn.AdaptiveAvgPool2d, nn.Dropout, nn.Flatten, nn.Linear)


class LayerShapeError(RnstError):
    """The output of a layer is not a feature map of the image."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"layer {name!r} cannot be used: it never runs, or its output does not grow with the picture "
            f"(as after the global pool). Name an earlier layer."
        )


class UnknownLayerError(UnknownNameError):
    """The network has no such layer."""

    def __init__(self, name: str, valid: Sequence[str]) -> None:
        few = valid
        if len(valid) > _SHORT_LIST:
            few = [*valid[: _SHORT_LIST // 2], "...", *valid[-_SHORT_LIST // 2 :]]
        example = "or any module path, such as layer2.0.conv1 or features.3"
        super().__init__("layer", name, [*few, example])


def friendly_layers(network: nn.Module) -> dict[str, str]:
    """Friendly name -> module path, in the order of the forward pass.

    Layers of a VGG are named by block and index (relu4_2), those of a ResNet by stage (layer3), those of other networks
    by type (fire5, stage2, block7, denseblock3) or by their authors' names (inception4a).
    """
    features = getattr(network, "features", None)
    if isinstance(features, nn.Sequential) and isinstance(features[0], nn.Conv2d) and "0" in features._modules:
        return _by_block_and_place(features)
    stages = [name for name, _ in network.named_children() if name.startswith("layer") and name[-1].isdigit()]
    if stages and isinstance(getattr(network, "relu", None), nn.ReLU):
        return {"stem": "relu", **{stage: stage for stage in stages}}
    return dict(_by_kind(network, ""))


def resolve_layers(network: nn.Module, names: Sequence[str]) -> dict[str, str]:
    """Name -> module path, for friendly names, for paths inside of them (block3.conv) and for module paths.

    Raises:
        UnknownLayerError: a name is none of these.
    """
    friendly = friendly_layers(network)
    paths = {path for path, module in network.named_modules() if path and not isinstance(module, nn.Identity)}
    resolved = {}
    for name in names:
        head, _, rest = name.partition(".")
        path = f"{friendly[head]}.{rest}" if head in friendly and rest else friendly.get(name, name)
        if path not in paths:
            path = name
        if path not in paths:
            raise UnknownLayerError(name, list(friendly))
        resolved[name] = path
    return resolved


def tap_layers(network: nn.Module, layers: dict[str, str]) -> tuple[dict[str, Tap], list[str]]:
    """The tap of each layer, and the modules that these layers do not need.

    Args:
        network: on the meta device, in eval mode.
        layers: name -> module path.

    Returns:
        Module path -> tap, the deepest last, and paths of modules that never run.

    Raises:
        LayerShapeError: the output of a layer is not a feature map.
    """
    paths = set(layers.values())
    found, unused = survey(network, paths, paths)
    for name, path in layers.items():
        if found[path] is None:
            raise LayerShapeError(name)
    return {path: tap for path, tap in found.items() if tap is not None}, unused


def default_layers(network: nn.Module) -> tuple[str, ...]:
    """The last layer of each resolution; for a transformer, which has one resolution, four equally spaced blocks.

    Args:
        network: on the meta device, in eval mode.
    """
    friendly = {name: path for name, path in friendly_layers(network).items() if not name.startswith(_NO_STYLE)}
    found, _ = survey(network, set(friendly.values()))
    usable = [(name, tap) for name, path in friendly.items() if (tap := found.get(path)) is not None]
    last = {tap.stride: name for name, tap in usable}
    if len(last) > 1:
        return tuple(last[stride] for stride in sorted(last))[-_MOST_STYLE_LAYERS:]
    count = len(usable)
    return tuple(dict.fromkeys(usable[count * quarter // 4 - 1][0] for quarter in (1, 2, 3, 4)))


def _by_block_and_place(features: nn.Sequential) -> dict[str, str]:
    named = {}
    block, place, fire = 1, 0, _FIRST_FIRE
    for index, module in enumerate(features):
        kind = _KINDS.get(type(module))
        if kind == "pool":
            named[f"pool{block}"] = f"features.{index}"
            block, place = block + 1, 0
        elif kind is not None:
            place += kind == "conv"
            named[f"{kind}{block}_{place}"] = f"features.{index}"
        else:
            named[f"{type(module).__name__.lower()}{fire}"] = f"features.{index}"
            fire += 1
    return named


def _by_kind(container: nn.Module, prefix: str) -> Iterator[tuple[str, str]]:
    """Children by their own names, or by kind and number if they have none; lists of modules are flattened."""
    counts = Counter[str]()
    for name, child in container.named_children():
        path = f"{prefix}{name}"
        if isinstance(child, _NO_FEATURES):
            continue
        if not name[0].isdigit():
            if _is_list(name, child):
                yield from _by_kind(child, f"{path}.")
            else:
                yield _own_name(name), path
            continue
        kind = _kind(child, seen=bool(counts), inside=prefix)
        counts[kind] += 1
        yield (kind if kind in {"stem", "top"} else f"{kind}{counts[kind]}"), path


def _is_list(name: str, module: nn.Module) -> bool:
    """Whether a module only groups others: consecutive stages, or the encoder of a transformer with its blocks."""
    if isinstance(module, nn.Sequential | nn.ModuleList):
        return not name[-1].isdigit() and any(module.children())  # stage4 is a name, layers.4 is not
    return name == "encoder" and isinstance(getattr(module, "layers", None), nn.Sequential)


def _own_name(name: str) -> str:
    """The name of a child; `encoder_layer_0` of a transformer becomes block1."""
    prefix, _, number = name.rpartition("_")
    return f"block{int(number) + 1}" if prefix == "encoder_layer" else name


def _kind(module: nn.Module, *, seen: bool, inside: str) -> str:
    kind = type(module).__name__
    simple = _KINDS.get(type(module))
    if simple is not None:
        return simple
    if kind.startswith("PatchMerging"):
        return "downsample"
    children = list(module.children())
    convolves = any(isinstance(child, nn.Conv2d) for child in children)
    if kind == "Conv2dNormActivation" or (kind == "Sequential" and convolves):
        if not seen:
            return "stem"
        return "top" if kind == "Conv2dNormActivation" else "downsample"
    return "stage" if kind == "Sequential" or "stages" in inside else "block"
