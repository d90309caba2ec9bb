import pytest

from rnst.encoders.choice import Choice
from rnst.errors import UnknownNameError


@pytest.mark.parametrize(
    ("text", "encoder", "weights", "label"),
    [
        ("resnet18", "resnet18", None, "resnet18"),
        ("resnet18:random", "resnet18", "random", "resnet18:random"),
        ("vgg19:runs/new.pt", "vgg19", "runs/new.pt", "vgg19:new"),
        ("vgg19:C:/new.pt", "vgg19", "C:/new.pt", "vgg19:new"),
    ],
)
def test_parse(text: str, encoder: str, weights: str | None, label: str) -> None:
    choice = Choice.parse(text)
    assert (choice.encoder, choice.weights, choice.label) == (encoder, weights, label)
    assert choice.network.architecture == encoder


def test_parse__an_encoder_that_there_is_not() -> None:
    with pytest.raises(UnknownNameError, match="resnet19"):
        Choice.parse("resnet19:random")
