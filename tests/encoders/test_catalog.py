import pytest
import torch

from rnst.encoders.catalog import (
    BUNDLED,
    DEFAULT_ENCODER,
    architectures,
    build_classifier,
    build_headless,
    encoder_names,
    find_network,
    weights_address,
)
from rnst.encoders.layers import resolve_layers
from rnst.encoders.published import PUBLISHED
from rnst.errors import UnknownNameError

_PUBLISHED = {row.architecture: row.name for row in PUBLISHED.values()}.values()


def test_names__bundled_first_and_all_to_be_found() -> None:
    names = encoder_names()
    assert names[: len(BUNDLED)] == list(BUNDLED)
    assert len(names) == len(set(names))
    assert {"resnet50", "wide_resnet50_2", "vgg16", "vgg19", "vgg19_bn"} <= set(names)
    assert DEFAULT_ENCODER in names
    for name in names:
        network = find_network(name)
        assert network.name == name
        assert network.architecture in architectures()
        assert network.licence
        assert network.description


def test_unknown_name__lists_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown encoder 'resnet17'.*resnet50_robust.*resnet18,.*rnst models"):
        find_network("resnet17")
    with pytest.raises(UnknownNameError, match=r"unknown architecture 'resnet17'.*resnet18"):
        build_classifier("resnet17", 10)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg11", "vgg16_bn", *BUNDLED, *_PUBLISHED])
def test_default_layers_exist(name: str) -> None:
    network = find_network(name)
    layers = [*network.style_layers, *network.content_layers]
    assert list(resolve_layers(build_headless(network.architecture), layers)) == list(dict.fromkeys(layers))


def test_bundled_file__only_of_bundled_networks() -> None:
    assert find_network("resnet50").bundled_file is None
    for network in BUNDLED.values():
        assert network.bundled_file is not None
        assert network.bundled_file.name == f"{network.name}.safetensors"


def test_classifier_has_as_many_logits_as_asked() -> None:
    assert build_classifier("resnet18", 7).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 7)


@pytest.mark.parametrize("architecture", ["resnet18", "vgg11_bn"])
def test_headless__no_head_and_no_memory(architecture: str) -> None:
    network = build_headless(architecture)
    assert all(tensor.is_meta for tensor in network.state_dict().values())
    assert not any(name.startswith(("fc", "classifier")) for name in network.state_dict())


def test_weights_url__the_first_imagenet_weights_with_their_hash() -> None:
    url, sha256 = weights_address(find_network("resnet50"))
    assert url.endswith("resnet50-0676ba61.pth")
    assert sha256 == ""
