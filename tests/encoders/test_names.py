import pytest
import torchvision

from rnst.encoders.names import (
    ARCHITECTURES,
    BUNDLED,
    DEFAULT_ENCODER,
    TINY_NAMES,
    TORCHVISION_NAMES,
    counterpart_of,
    encoder_names,
    find_network,
)
from rnst.encoders.tiny import TINY
from rnst.errors import UnknownNameError


def test_names_are_those_of_the_libraries() -> None:
    assert list(TORCHVISION_NAMES) == torchvision.models.list_models(module=torchvision.models)
    assert list(TINY_NAMES) == list(TINY)


def test_names__bundled_first_and_all_to_be_found() -> None:
    names = encoder_names()
    assert names[: len(BUNDLED)] == list(BUNDLED)
    assert len(names) == len(set(names))
    assert {"resnet50", "wide_resnet50_2", "vgg16", "vgg19", "vgg19_bn"} <= set(names)
    assert DEFAULT_ENCODER in names
    for name in names:
        network = find_network(name)
        assert network.name == name
        assert network.architecture in ARCHITECTURES
        assert network.licence
        assert network.description


def test_unknown_name__lists_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown encoder 'resnet17'.*resnet50_robust.*resnet18,.*rnst models"):
        find_network("resnet17")


def test_names_of_timm__checked_where_they_are_built() -> None:
    assert find_network("timm/no_such_net").source == "timm"


def test_counterpart__of_bundled_networks_alone() -> None:
    assert counterpart_of("resnet50_robust") == "resnet50_standard"
    assert counterpart_of("resnet50_standard") == "resnet50_robust"
    with pytest.raises(UnknownNameError, match="vgg16_standard"):
        counterpart_of("vgg16_standard")


def test_bundled_file__only_of_bundled_networks() -> None:
    assert find_network("resnet50").bundled_file is None
    for network in BUNDLED.values():
        assert network.bundled_file is not None
        assert network.bundled_file.name == f"{network.name}.safetensors"
