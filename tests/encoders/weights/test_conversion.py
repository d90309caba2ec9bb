from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rnst.encoders.catalog import build_classifier
from rnst.encoders.classifier import load_classifier
from rnst.encoders.names import Network, find_network
from rnst.encoders.published import PUBLISHED
from rnst.encoders.weights.conversion import count_classes, find_published, read_with_facts, recognize
from rnst.encoders.weights.files import WeightsMismatchError, sha256_of, write_weights

_ARCHITECTURES = ("resnet18", "resnet50", "wide_resnet50_4", "mobilenet_v2", "vgg16_bn")


@pytest.mark.parametrize("architecture", _ARCHITECTURES)
def test_tensors_show_their_architecture_and_classes(architecture: str) -> None:
    with torch.device("meta"):
        state = build_classifier(architecture, 1000).state_dict()
    assert recognize(state) == architecture
    assert count_classes(state) == 1000
    lacking = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    assert architecture != "resnet18" or recognize(lacking) == architecture, "counters may be missing"


def test_tensors_of_no_known_network() -> None:
    with torch.device("meta"):
        state = build_classifier("resnet18", 10).state_dict()
    del state["layer4.1.bn2.weight"]
    assert recognize(state) is None
    assert recognize({}) is None


def test_a_published_file__by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, row = tmp_path / "renamed.ckpt", PUBLISHED["resnet18_l2_eps3"]
    torch.save({"model": build_classifier("resnet18", 1000).state_dict()}, path)
    assert find_published(path) is None
    monkeypatch.setitem(PUBLISHED, row.name, replace(row, sha256=sha256_of(path)))
    found = find_published(path)
    assert found is not None
    assert found.name == "resnet18_l2_eps3"
    facts = read_with_facts(path)[1]
    assert (facts["norm"], facts["radius"], facts["accuracy_clean_as_published"]) == ("l2", 3.0, 0.5312)


def test_a_published_file__its_name_alone_counts_only_where_no_hash_is_known(tmp_path: Path) -> None:
    for name in ("resnet18_l2_eps3.ckpt", "RestrictedImageNet.pt"):
        (tmp_path / name).write_bytes(b"other content")
    assert find_published(tmp_path / "resnet18_l2_eps3.ckpt") is None
    found = find_published(tmp_path / "RestrictedImageNet.pt")
    assert found is not None
    assert found.name == "restricted_resnet50_l2_eps3"


@pytest.mark.parametrize("row", [None, find_network("googlenet")])
def test_the_normalization__that_of_the_classifier(tmp_path: Path, row: Network | None) -> None:
    path = tmp_path / "net.pth"
    torch.save(build_classifier("googlenet", 10).state_dict(), path)
    facts = read_with_facts(path, None if row else "googlenet", row)[1]
    used = load_classifier(str(path), architecture="googlenet")[1]
    assert facts["architecture"] == "googlenet"
    assert (facts["mean"], facts["std"]) == (used["mean"], used["std"]) == ([0.5] * 3, [0.5] * 3)


def test_the_architecture__the_given_one_corrects_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_weights(path, build_classifier("tiny_resnet", 3).state_dict(), {"architecture": "tiny_vgg"})
    assert read_with_facts(path, "tiny_resnet")[1]["architecture"] == "tiny_resnet"
    with pytest.raises(WeightsMismatchError):
        read_with_facts(path)


def test_a_deeper_network__is_refused(tmp_path: Path) -> None:
    torch.save(build_classifier("resnet34", 10).state_dict(), tmp_path / "net.pth")
    with pytest.raises(WeightsMismatchError, match=r"the network has no layer1\.2"):
        read_with_facts(tmp_path / "net.pth", "resnet18")
