"""Layer names: from what people say (relu4_2, layer3) to module paths. Names are derived by walking the network."""

from collections.abc import Sequence

from torch import nn

from rnst.errors import UnknownNameError

_KINDS = {nn.Conv2d: "conv", nn.BatchNorm2d: "bn", nn.ReLU: "relu", nn.MaxPool2d: "pool", nn.AvgPool2d: "pool"}


def friendly_layers(network: nn.Module) -> dict[str, str]:
    """Friendly name -> module path, in the order of the forward pass.

    A VGG's layers are named by block and place, as relu4_2; those of a ResNet by stage, as layer3.
    """
    features = getattr(network, "features", None)
    if isinstance(features, nn.Sequential):
        return _by_block_and_place(features)
    stages = [name for name, _ in network.named_children() if name.startswith("layer")]
    return {"stem": "relu", **{stage: stage for stage in stages}}


def resolve_layers(network: nn.Module, names: Sequence[str]) -> dict[str, str]:
    """Name -> module path, for friendly names and for module paths themselves.

    Raises:
        UnknownNameError: a name is neither.
    """
    friendly = friendly_layers(network)
    paths = {path for path, module in network.named_modules() if path and not isinstance(module, nn.Identity)}
    for name in names:
        if name not in friendly and name not in paths:
            raise UnknownNameError("layer", name, [*friendly, "or any module path, as layer2.0.conv1 or features.3"])
    return {name: friendly.get(name, name) for name in names}


def _by_block_and_place(features: nn.Sequential) -> dict[str, str]:
    named = {}
    block, place = 1, 0
    for index, module in enumerate(features):
        kind = _KINDS.get(type(module))
        if kind == "pool":
            named[f"pool{block}"] = f"features.{index}"
            block, place = block + 1, 0
        elif kind is not None:
            place += kind == "conv"
            named[f"{kind}{block}_{place}"] = f"features.{index}"
    return named
