import copy

import pytest
import torch
from torch import nn

from rnst.encoders.catalog import build_headless
from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.surgery.changes import initialize
from rnst.encoders.surgery.folding import fold_normalizations


def _network(architecture: str) -> nn.Module:
    """With statistics as trained networks have them: neither 0 nor 1."""
    network = build_headless(architecture, "cpu").eval()
    generator = torch.Generator().manual_seed(0)
    initialize(network, generator)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias.data):
                assert tensor is not None
                tensor.normal_(generator=generator)
            for tensor in (module.running_var, module.weight.data):
                assert tensor is not None
                tensor.uniform_(0.5, 2.0, generator=generator)
    return network


def _count(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("architecture", ["resnet18", "vgg11_bn", "densenet121", "googlenet"])
def test_the_function_stays_and_costs_less(architecture: str) -> None:
    network = _network(architecture).double()
    folded = copy.deepcopy(network)
    done = fold_normalizations(folded, ())
    assert done > 0
    assert _count(folded) == _count(network) - done
    images = torch.rand(1, 3, 65, 70, dtype=torch.float64)
    torch.testing.assert_close(folded(images), network(images))


def test_outputs_that_are_used_do_not_change() -> None:
    network = _network("vgg11_bn")
    fold_normalizations(network, ["features.4"])  # a convolution
    assert isinstance(network.get_submodule("features.5"), nn.BatchNorm2d)
    assert isinstance(network.get_submodule("features.9"), nn.Identity)


def test_encoders_are_folded() -> None:
    encoder, _ = load_encoder(find_network("resnet18"), ["layer1", "layer2"], weights="random")
    assert _count(encoder) == 0
