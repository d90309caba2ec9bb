from pathlib import Path

import pytest
import torch

from rnst.encoders.catalog import build_classifier
from rnst.encoders.classifier import _logits, load_classifier
from rnst.encoders.names import DEFAULT_ENCODER
from rnst.encoders.weights.files import WeightsMismatchError, write_weights
from rnst.errors import InvalidValueError, MissingPathError, UnknownNameError

_FACTS = {"architecture": "resnet18", "classes": ["a", "b", "c"], "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]}


@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "vgg11"])
def test_a_file_gives_the_logits_of_the_network_behind_its_normalization(tmp_path: Path, architecture: str) -> None:
    network = build_classifier(architecture, 3).eval()
    path = tmp_path / "net.safetensors"
    write_weights(path, network.state_dict(), {**_FACTS, "architecture": architecture})
    classifier, facts = load_classifier(str(path))
    images = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(_FACTS[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        torch.testing.assert_close(classifier(images), network((images - mean) / std), atol=1e-4, rtol=1e-4)
    assert facts["logits"] == 3
    assert not classifier.training


@pytest.mark.parametrize("architecture", ["resnet18", "vgg11", "vit_b_16"])
@pytest.mark.parametrize("classes", [7, 1000])
def test_the_number_of_classes_is_read_off_the_head(architecture: str, classes: int) -> None:
    """VGG has a large head for 1000 classes, and a small one for few."""
    with torch.device("meta"):
        state = build_classifier(architecture, classes).state_dict()
    assert _logits(architecture, state) == classes


def test_a_bundled_name() -> None:
    classifier, facts = load_classifier(DEFAULT_ENCODER)
    assert facts["logits"] == len(facts["classes"]) == 1000
    assert classifier(torch.rand(1, 3, 64, 64)).shape == (1, 1000)


def test_a_file_that_does_not_say_its_architecture(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(build_classifier("resnet18", 4).state_dict(), path)
    with pytest.raises(InvalidValueError, match="--architecture"):
        load_classifier(str(path))
    _, facts = load_classifier(str(path), architecture="resnet18")
    assert (facts["logits"], facts["mean"]) == (4, [0.485, 0.456, 0.406])
    with pytest.raises(WeightsMismatchError):
        load_classifier(str(path), architecture="vgg11")


def test_neither_a_file_nor_a_name() -> None:
    with pytest.raises(MissingPathError, match="rnst models"):
        load_classifier("nowhere/net.safetensors")
    with pytest.raises(UnknownNameError, match="resnet17"):
        load_classifier("resnet17")


def test_a_deeper_network_of_the_same_family__is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.safetensors"
    write_weights(path, build_classifier("resnet34", 3).state_dict(), {})
    with pytest.raises(WeightsMismatchError, match=r"the network has no layer1\.2"):
        load_classifier(str(path), architecture="resnet18")
