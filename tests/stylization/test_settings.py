import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from rnst.encoders.names import DEFAULT_ENCODER
from rnst.errors import InvalidValueError
from rnst.stylization.settings import StylizationSettings


def test_defaults_are_valid() -> None:
    settings = StylizationSettings()
    assert settings.encoder == DEFAULT_ENCODER
    assert (settings.tracking, settings.save_every) == ("off", 0)


@pytest.mark.parametrize(
    "change",
    [
        {"size": 31},
        {"size": -5},
        {"steps": 0},
        {"scales": 0},
        {"history": 0},
        {"shifts": 0},
        {"style_weight": -1.0},
        {"content_weight": -0.1},
        {"tv_weight": -1.0},
        {"fourier_decay": -0.5},
        {"save_every": -1},
        {"seed": -1},
        {"learning_rate": 0.0},
        {"learning_rate": -1.0},
    ],
    ids=str,
)
def test_out_of_range__says_which_option_and_what_it_may_be(change: dict[str, Any]) -> None:
    ((name, value),) = change.items()
    with pytest.raises(InvalidValueError, match=rf"--{name} is {value}, but must be ") as caught:
        StylizationSettings(**change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("output", ["picture.xyz", "picture", "picture.txt"])
def test_output__strange_ending(output: str) -> None:
    with pytest.raises(InvalidValueError, match=r"\.png"):
        StylizationSettings(output=Path(output))


@pytest.mark.parametrize("change", [{"size": 32}, {"steps": 1}, {"save_every": 0}, {"seed": 0}, {"style_weight": 0.0}])
def test_smallest_values(change: dict[str, Any]) -> None:
    assert StylizationSettings(**change).as_dict().items() >= change.items()


def test_replaced__changes_and_checks() -> None:
    settings = StylizationSettings()
    assert settings.replaced(size=64).size == 64
    assert settings.replaced() == settings
    with pytest.raises(InvalidValueError):
        settings.replaced(steps=0)


def test_as_dict__everything_as_json() -> None:
    settings = StylizationSettings(output=Path("a/b.png"), style_layers=["layer1"])
    values = settings.as_dict()
    assert list(values) == [entry.name for entry in fields(StylizationSettings)]
    assert json.loads(json.dumps(values)) == values
    assert values["output"] == str(Path("a/b.png"))
