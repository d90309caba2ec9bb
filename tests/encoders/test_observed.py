from pathlib import Path

import pytest
import torch

from rnst.encoders.catalog import build_classifier
from rnst.encoders.classifier import load_classifier
from rnst.encoders.observed import LOGITS, REPRESENTATION, Waking, load_observed
from rnst.encoders.weights.files import write_weights
from rnst.errors import InvalidValueError, UnknownNameError


@pytest.fixture
def weights(tmp_path: Path) -> str:
    path = tmp_path / "net.safetensors"
    network = build_classifier("shufflenet_v2_x0_5", 3).eval()
    write_weights(path, network.state_dict(), {"architecture": "shufflenet_v2_x0_5", "mean": [0.5] * 3})
    return str(path)


def test_one_pass_gives_maps_representation_and_logits(weights: str) -> None:
    images = torch.rand(2, 3, 64, 64)
    classifier, _ = load_classifier(weights)
    encoder, facts = load_observed(weights, ["stage2", REPRESENTATION, LOGITS])
    found = encoder(images)
    assert facts["logits"] == 3
    assert found["stage2"].shape[:2] == (2, 48)
    assert found["stage2"].dim() == 4
    torch.testing.assert_close(found[LOGITS], classifier(images))
    head = classifier.network.get_submodule("fc")
    torch.testing.assert_close(head(found[REPRESENTATION]), found[LOGITS])
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    torch.testing.assert_close(load_observed(weights, ["stage2"])[0](images)["stage2"], found["stage2"])


def test_what_is_not_there(weights: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="stage9"):
        load_observed(weights, ["stage9"])
    path = tmp_path / "squeezenet.safetensors"
    write_weights(path, build_classifier("squeezenet1_1", 3).state_dict(), {"architecture": "squeezenet1_1"})
    with pytest.raises(InvalidValueError, match="no linear head"):
        load_observed(str(path), [REPRESENTATION])


def test_waking__gradients_are_redirected_in_the_first_passes_alone(weights: str) -> None:
    image = torch.rand(1, 3, 64, 64)

    def gradient(network: torch.nn.Module) -> torch.Tensor:
        leaf = image.clone().requires_grad_()
        found = network(leaf)["stage2"]
        (slope,) = torch.autograd.grad(-found.square().sum(), leaf)
        return slope

    plain = gradient(load_observed(weights, ["stage2"])[0])
    waking = Waking(load_observed(weights, ["stage2"])[0], passes=2)
    first, second, third = (gradient(waking) for _ in range(3))
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, plain)
    torch.testing.assert_close(third, plain)
    waking.begin_anew(climbing=False)
    torch.testing.assert_close(waking.as_it_is(image)["stage2"], waking(image)["stage2"])
    torch.testing.assert_close(gradient(waking), first)
    waking.begin_anew(climbing=True)
    assert not torch.allclose(gradient(waking), first), "of a loss, this gradient would let units die"
