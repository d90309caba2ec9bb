"""EfficientNet weights by the names of `efficientnet-pytorch`, and of packages derived from it, given timm's names."""

from collections.abc import Iterable, Mapping

from torch import Tensor

_STEM = "_conv_stem.weight"
_OUTSIDE_BLOCKS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_WITHOUT_EXPANSION = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_WITH_EXPANSION = {
    **{"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"},
    **{"_project_conv": "conv_pwl", "_bn2": "bn3"},
}
_EXCITATION = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}


def timm_names(state: Mapping[str, Tensor], wanted: Iterable[str]) -> dict[str, Tensor]:
    """`state` under the names that timm's network of the same architecture uses; other layouts are returned unchanged.

    Both libraries number blocks in the order of the forward pass: efficientnet-pytorch through the whole network, timm
    by stage. A block's layers are named by function there and by position here.

    Args:
        state: parameter name -> tensor.
        wanted: parameter names of timm's network.
    """
    if _STEM not in state:
        return dict(state)
    names = list(wanted)
    blocks = list(dict.fromkeys(".".join(name.split(".")[:3]) for name in names if name.startswith("blocks.")))
    expanded = {block for block in blocks if f"{block}.conv_pwl.weight" in names}
    return {_renamed(name, blocks, expanded): tensor for name, tensor in state.items()}


def _renamed(name: str, blocks: list[str], expanded: set[str]) -> str:
    layer, _, rest = name.partition(".")
    if layer != "_blocks":
        return f"{_OUTSIDE_BLOCKS.get(layer, layer)}.{rest}"
    number, _, rest = rest.partition(".")
    layer, _, rest = rest.partition(".")
    if not number.isdecimal() or int(number) >= len(blocks):
        return name
    block = blocks[int(number)]
    layers = _EXCITATION | (_WITH_EXPANSION if block in expanded else _WITHOUT_EXPANSION)
    return f"{block}.{layers.get(layer, layer)}.{rest}"
