from pathlib import Path

import pytest
import torch
from torch import Tensor

from rnst.errors import InvalidValueError
from rnst.losses.activation_text import ObjectiveTextError, parse_activation
from rnst.losses.activations import Activation
from rnst.losses.units import LOGITS, Channel, DeepDream, Direction, Neuron

_CLASSES = ("n01440764|tench", "golf ball", "church")
_L3 = Channel("layer3", 4)

_READ: dict[str, Activation] = {
    "layer3:4": _L3,
    "layer3.0.conv1:4": Channel("layer3.0.conv1", 4),
    "layer3:4@2,1": Neuron("layer3", 4, (2, 1)),
    "layer3:4@": Neuron("layer3", 4),
    "class:2": Channel(LOGITS, 2),
    "class:tench": Channel(LOGITS, 0),
    "class:n01440764": Channel(LOGITS, 0),
    "class:'golf ball'": Channel(LOGITS, 1),
    "dream:layer3": DeepDream("layer3"),
    "direction:layer3:3=1,5=-0.5": Direction("layer3", {3: 1.0, 5: -0.5}),
    "direction:layer3:3=1^2": Direction("layer3", {3: 1.0}, cosine_power=2.0),
    "0.5*layer3:4 + class:1": 0.5 * _L3 + Channel(LOGITS, 1),
    "layer3:4*2e1": 20.0 * _L3,
    "-layer3:4": -_L3,
    "layer3:4 - class:1 - class:2": _L3 - Channel(LOGITS, 1) - Channel(LOGITS, 2),
    "2 * (layer3:4 + class:0) * class:1": 2.0 * ((_L3 + Channel(LOGITS, 0)) * Channel(LOGITS, 1)),
    "layer3:4+class:0*.5": _L3 + 0.5 * Channel(LOGITS, 0),
    "(1+2)*layer3:4": 3.0 * _L3,
}


@pytest.fixture
def features() -> dict[str, Tensor]:
    maps = torch.rand(2, 6, 4, 3)
    return {"layer3": maps, "layer3.0.conv1": maps + 1.0, LOGITS: torch.randn(2, 3)}


@pytest.mark.parametrize("text", _READ)
def test_text_means_what_python_says(text: str, features: dict[str, Tensor]) -> None:
    found = parse_activation(text, _CLASSES)
    torch.testing.assert_close(found(features), _READ[text](features))
    assert set(found.layers) == set(_READ[text].layers)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing at the end"),
        ("layer3", "'layer3' is neither"),
        ("layer3:x", "not a channel of layer3"),
        ("layer3:4@2", "not a channel of layer3"),
        ("3", "a number alone"),
        ("layer3:4 + 3", "has no effect"),
        ("layer3:4 +", "missing at the end"),
        ("(layer3:4", "not closed"),
        ("layer3:4 class:1", "unexpected"),
        ("* layer3:4", "missing before"),
        ("class:3", "classes 0 to 2"),
        ("class:cat", "golf ball"),
        ("direction:layer3", "not a direction"),
        ("direction:layer3:4=0", "cannot all be 0"),
        ("4:layer3", "neither"),
        ("class:\u00b2", "no class"),
        (f"class:{'1' * 5000}", "no class"),
        (f"layer3:{'1' * 5000}", "not a channel of layer3"),
        ("1e999*layer3:1", "below 1e+100"),
        ("direction:layer3:1=nan", "below 1e+100"),
        ("direction:layer3:1=1,2=1e200", "below 1e+100"),
        ("direction:layer3:1=1^inf", "below 1e+100"),
        ("direction:layer3:1=1,1=2", "a channel twice"),
        ("(" * 3000 + "layer3:1" + ")" * 3000, "more than 1000"),
        ("(" * 400 + "layer3:1" + ")" * 400, "nested more than 50"),
        ("-" * 400 + "layer3:1", "nested more than 50"),
        ("layer3:1" + " + layer3:1" * 3000, "more than 1000"),
    ],
)
def test_what_cannot_be_read_says_why_and_what_can(text: str, reason: str) -> None:
    with pytest.raises(ObjectiveTextError, match=r"LAYER:CHANNEL") as error:
        parse_activation(text, _CLASSES)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["__import__('os').mkdir('mark')", "open('mark','w')", "layer3:4 + (lambda: 1)()"])
def test_nothing_is_executed(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ObjectiveTextError):
        parse_activation(text, _CLASSES)
    assert not any(tmp_path.iterdir())


def test_long_sums_and_deep_parentheses_can_be_evaluated(features: dict[str, Tensor]) -> None:
    terms = parse_activation("layer3:4" + " + layer3:4" * 450)
    torch.testing.assert_close(terms(features), 451.0 * _L3(features), rtol=1e-4, atol=0.0)
    assert terms.layers == ("layer3",)
    deep = parse_activation("(" * 50 + "layer3:4" + ")" * 50)
    torch.testing.assert_close(deep(features), _L3(features))


def test_a_product_of_numbers_that_overflows() -> None:
    with pytest.raises(InvalidValueError, match="a finite number"):
        parse_activation("1e99*1e99*1e99*1e99*layer3:4")


def test_without_classes_a_name_is_read_for_its_layer() -> None:
    assert parse_activation("class:tench").layers == (LOGITS,)
