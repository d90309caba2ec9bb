from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.catalog import build_classifier
from rnst.encoders.initial import start_from
from rnst.encoders.weights.files import WeightsMismatchError, write_weights
from rnst.errors import MissingPathError

_FACTS = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]}


def _file(folder: Path, architecture: str, classes: Sequence[str]) -> tuple[str, dict[str, Tensor]]:
    torch.manual_seed(1)
    state = build_classifier(architecture, len(classes)).state_dict()
    path = folder / "start.safetensors"
    write_weights(path, state, {**_FACTS, "architecture": architecture, "classes": list(classes)})
    return str(path), state


def _started(name: str, architecture: str, classes: Sequence[str]) -> tuple[nn.Module, dict[str, Tensor]]:
    """A network after the start, and its fresh tensors of before."""
    torch.manual_seed(2)
    network = build_classifier(architecture, len(classes))
    fresh = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    assert start_from(network, name, classes)["std"] == _FACTS["std"]
    return network, fresh


@pytest.mark.parametrize(("architecture", "head"), [("tiny_resnet", "classifier."), ("resnet18", "fc.")])
@pytest.mark.parametrize("classes", ["abcd", "ab", "acb"], ids=["more", "fewer", "another order"])
def test_other_classes__keep_everything_but_the_head(
    tmp_path: Path, architecture: str, head: str, classes: str
) -> None:
    name, kept = _file(tmp_path, architecture, "abc")
    network, fresh = _started(name, architecture, classes)
    for key, tensor in network.state_dict().items():
        expected = fresh[key] if key.startswith(head) else kept[key]
        assert torch.equal(tensor, expected), key


def test_the_same_classes_in_the_same_order__keep_the_head(tmp_path: Path) -> None:
    name, kept = _file(tmp_path, "tiny_resnet", "abc")
    network, _ = _started(name, "tiny_resnet", "abc")
    assert all(torch.equal(tensor, kept[key]) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize(
    ("one", "other"),
    [("tiny_resnet", "tiny_vgg"), ("tiny_vgg_bn", "tiny_vgg"), ("resnet18", "resnet34"), ("resnet34", "resnet18")],
)
def test_another_architecture_is_refused(tmp_path: Path, one: str, other: str) -> None:
    """A deeper one as well, although its first blocks alone would fit."""
    name, _ = _file(tmp_path, one, "abc")
    with pytest.raises(WeightsMismatchError):
        start_from(build_classifier(other, 3), name, "abc")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError):
        start_from(build_classifier("tiny_vgg", 3), str(tmp_path / "nothing.safetensors"), "abc")


def test_a_name_of_the_catalog__brings_the_statistics_of_its_weights() -> None:
    facts = start_from(build_classifier("resnet18", 3), "resnet18_standard", "abc")
    assert facts["mean"] == pytest.approx([0.485, 0.456, 0.406])
