import pytest

from rnst.encoders.choice import Choice, folders_of
from rnst.errors import InvalidValueError, UnknownNameError


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


def _folders(*names: str) -> list[str]:
    return list(folders_of({name: Choice.parse(name) for name in names}).values())


def test_folders__one_for_each_network() -> None:
    assert _folders("resnet18", "resnet18:random", "vgg19:runs/new.pt") == ["resnet18", "resnet18-random", "vgg19-new"]
    assert _folders("vgg19:a/new.pt", "vgg19:b/new.pt", "vgg11:a/new.pt") == [
        "vgg19-a-new.pt",
        "vgg19-b-new.pt",
        "vgg11-new",
    ]
    assert _folders("vgg19:random", "vgg19:random.pt") == ["vgg19-random", "vgg19-random.pt"]


def test_folders__those_that_cannot_be_told_apart() -> None:
    with pytest.raises(InvalidValueError, match="--encoders is"):
        _folders("vgg19:/x/a/new.pt", "vgg19:/y/a/new.pt")
