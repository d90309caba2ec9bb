import pytest
import torch

from rnst.encoders.catalog import build_classifier, build_headless, content_layers, style_layers, weights_address
from rnst.encoders.layers import resolve_layers
from rnst.encoders.names import BUNDLED, find_network
from rnst.encoders.published import PUBLISHED
from rnst.errors import UnknownNameError

_PUBLISHED = {row.architecture: row.name for row in PUBLISHED.values()}.values()


def test_unknown_architecture__lists_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown architecture 'resnet17'.*resnet18"):
        build_classifier("resnet17", 10)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "vgg11", "vgg16_bn", *BUNDLED, *_PUBLISHED])
def test_default_layers_exist(name: str) -> None:
    network = find_network(name)
    layers = [*style_layers(network), *content_layers(network)]
    assert list(resolve_layers(build_headless(network.architecture), layers)) == list(dict.fromkeys(layers))


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
