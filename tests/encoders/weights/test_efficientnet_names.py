from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.catalog import build_classifier
from rnst.encoders.classifier import load_classifier
from rnst.encoders.weights.efficientnet_names import timm_names
from rnst.encoders.weights.files import write_weights

timm = pytest.importorskip("timm", reason="timm is not installed; it is an extra")

_OUTSIDE = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}


def _by_the_other_names(network: nn.Module) -> dict[str, Tensor]:
    """The state as efficientnet-pytorch names it, by the types and the order of the modules, not by their names."""
    state: dict[str, Tensor] = {}
    for path, module in network.named_children():
        if path in _OUTSIDE:
            state |= {f"{_OUTSIDE[path]}.{name}": tensor for name, tensor in module.state_dict().items()}
    blocks = [block for stage in network.get_submodule("blocks").children() for block in stage.children()]
    for number, block in enumerate(blocks):
        layers = [module for module in block.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
        squeezed = [module for module in layers if isinstance(module, nn.Conv2d) and module.bias is not None]
        convolutions = [module for module in layers if isinstance(module, nn.Conv2d) and module.bias is None]
        norms = [module for module in layers if isinstance(module, nn.BatchNorm2d)]
        roles = ["_expand_conv", "_depthwise_conv", "_project_conv"][-len(convolutions) :]
        assert convolutions[roles.index("_depthwise_conv")].groups > 1
        named: dict[str, nn.Module] = dict(zip(roles, convolutions, strict=True))
        named |= dict(zip(["_bn0", "_bn1", "_bn2"][-len(norms) :], norms, strict=True))
        named |= dict(zip(["_se_reduce", "_se_expand"], squeezed, strict=False))
        for layer, module in named.items():
            state |= {f"_blocks.{number}.{layer}.{name}": tensor for name, tensor in module.state_dict().items()}
    return state


def _network(name: str, classes: int = 5) -> nn.Module:
    network = build_classifier(f"timm/{name}", classes)
    for tensor in network.state_dict().values():  # no two tensors are alike, or a mix-up would not show
        if tensor.is_floating_point():
            tensor.uniform_(0.01, 0.1)
    return network.eval()


@pytest.mark.parametrize("name", ["tf_efficientnet_lite2", "tf_efficientnet_b0"], ids=["lite", "squeeze-excitation"])
def test_every_tensor_gets_its_place(name: str) -> None:
    network = _network(name)
    wanted = network.state_dict()
    other = _by_the_other_names(network)
    assert len(other) == len(wanted)
    assert not other.keys() & wanted.keys()
    found = timm_names(other, wanted)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], tensor) for key, tensor in wanted.items())
    _network(name).load_state_dict(found, strict=True)


def test_names_of_timm_stay_what_they_are() -> None:
    state = _network("tf_efficientnet_lite0").state_dict()
    state["cls_token"] = torch.zeros(1)  # that of a transformer has no dot
    found = timm_names(state, state)
    assert found.keys() == state.keys()
    assert all(found[key] is tensor for key, tensor in state.items())


def test_a_file_of_this_layout__is_loaded_with_timms_statistics(tmp_path: Path) -> None:
    """Mean and deviation 0.5, as TensorFlow trained it; ImageNet's custom is another."""
    network, path = _network("tf_efficientnet_lite2", 1000), tmp_path / "lite2.safetensors"
    write_weights(path, _by_the_other_names(network), {})
    classifier, facts = load_classifier(str(path), architecture="timm/tf_efficientnet_lite2")
    assert (facts["mean"], facts["std"], facts["logits"]) == ([0.5] * 3, [0.5] * 3, 1000)
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(classifier(images), network(images * 2 - 1), rtol=1e-4, atol=1e-4)
