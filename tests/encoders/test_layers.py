import pytest
from torch import nn

from rnst.encoders.catalog import build_headless
from rnst.encoders.layers import friendly_layers, resolve_layers
from rnst.errors import UnknownNameError

# Convolutions in each of the five blocks (Simonyan and Zisserman 2014, table 1).
_BLOCKS = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def _counted(blocks: tuple[int, ...], kinds: tuple[str, ...]) -> dict[str, str]:
    """Names by counting: each convolution brings its kin along, each block ends with a pool."""
    names = []
    for block, places in enumerate(blocks, 1):
        names += [f"{kind}{block}_{place}" for place in range(1, places + 1) for kind in kinds]
        names.append(f"pool{block}")
    return {name: f"features.{index}" for index, name in enumerate(names)}


@pytest.mark.parametrize("name", _BLOCKS)
@pytest.mark.parametrize("normalized", [False, True], ids=["plain", "bn"])
def test_vgg__counted(name: str, normalized: bool) -> None:  # noqa: FBT001 - a parameter of the test
    kinds = ("conv", "bn", "relu") if normalized else ("conv", "relu")
    network = build_headless(f"{name}_bn" if normalized else name)
    assert friendly_layers(network) == _counted(_BLOCKS[name], kinds)


@pytest.mark.parametrize(
    ("architecture", "layer", "path"),
    [
        ("vgg19", "relu1_1", "features.1"),
        ("vgg19", "relu4_2", "features.22"),
        ("vgg19", "relu5_1", "features.29"),
        ("vgg16", "relu4_2", "features.20"),
        ("vgg19_bn", "relu4_2", "features.32"),
    ],
)
def test_vgg__figures_from_the_literature(architecture: str, layer: str, path: str) -> None:
    network = build_headless(architecture)
    assert friendly_layers(network)[layer] == path
    assert isinstance(network.get_submodule(path), nn.ReLU)


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"])
def test_resnet__stages(architecture: str) -> None:
    stages = {f"layer{number}": f"layer{number}" for number in (1, 2, 3, 4)}
    assert friendly_layers(build_headless(architecture)) == {"stem": "relu", **stages}


def test_resolve__keeps_order_and_takes_module_paths() -> None:
    network = build_headless("resnet18")
    resolved = resolve_layers(network, ["layer2.0.conv1", "stem", "layer1"])
    assert list(resolved.items()) == [("layer2.0.conv1", "layer2.0.conv1"), ("stem", "relu"), ("layer1", "layer1")]


@pytest.mark.parametrize("name", ["relu4_2", "", "layer5", "layer1.7", "features.0"])
def test_unknown_layer__lists_valid_names(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown layer.*stem, layer1, layer2, layer3, layer4") as caught:
        resolve_layers(build_headless("resnet18"), ["layer1", name])
    assert repr(name) in str(caught.value)
