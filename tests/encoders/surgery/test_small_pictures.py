import pytest
import torch
from torch import nn

from rnst.encoders.catalog import build_classifier
from rnst.encoders.surgery.changes import first_convolution
from rnst.encoders.tiny import TINY
from rnst.errors import InvalidValueError, UnknownNameError

_NAMES = ("resnet18", "densenet121", "googlenet", "inception_v3", "vgg11", "vgg11_bn", "alexnet")


@pytest.mark.parametrize("name", _NAMES)
def test_stem_keeps_the_resolution(name: str) -> None:
    with torch.device("meta"):
        network = build_classifier(f"{name}_32px", 10).eval()
        stem = first_convolution(network)[1]
        assert stem.kernel_size == (3, 3)
        assert stem.stride == (1, 1)
        sizes = list[int]()
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.shape[-1]))
        assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert min(sizes) >= 2
    assert sizes[1] >= 15, "no more than one pool behind the stem"


def test_only_the_stem_differs() -> None:
    small, usual = (build_classifier(name, 10).state_dict() for name in ("resnet18_32px", "resnet18"))
    assert small.keys() == usual.keys()
    assert [name for name in small if small[name].shape != usual[name].shape] == ["conv1.weight"]
    assert float(small["conv1.weight"].std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.1)


def test_unknown_stems_and_names() -> None:
    with pytest.raises(InvalidValueError, match="_32px"):
        build_classifier("mobilenet_v2_32px", 10)
    with pytest.raises(UnknownNameError, match="resnet17"):
        build_classifier("resnet17_32px", 10)


@pytest.mark.parametrize("name", TINY)
def test_tiny__learn_a_little_and_are_small(name: str) -> None:
    network = build_classifier(name, 4)
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 4)
    assert sum(parameter.numel() for parameter in network.parameters()) < 100_000
    normalized = any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert normalized == (name != "tiny_vgg")
