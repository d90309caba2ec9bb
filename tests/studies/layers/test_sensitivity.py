from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.encoders.choice import Choice
from rnst.errors import InvalidValueError, UnknownNameError
from rnst.studies.layers.sensitivity import LayerReport, layers_of, measure_layer
from rnst.studies.layers.settings import LayerSettings


def _measured(layer: str, photos: torch.Tensor, **options: Any) -> LayerReport:
    settings = LayerSettings(data=Path(), encoders=["resnet18:random"], **{"radii": [0.1, 1.0], **options})
    return measure_layer("net", Choice("resnet18", "random"), layer, photos, settings)


def test_an_attack_finds_more_than_chance_and_more_in_a_larger_ball() -> None:
    photos = 0.3 + 0.4 * torch.rand(3, 3, 32, 32)
    report = _measured("stem", photos, batch_size=2, attack_steps=5)
    small, large = report.changes[0.1], report.changes[1.0]
    assert len(small.largest) == len(small.random) == 3
    for one in (small, large):
        assert all(found > drawn > 0 for found, drawn in zip(one.largest, one.random, strict=True))
    assert large.mean_largest > 5 * small.mean_largest
    assert small.mean_largest == pytest.approx(sum(small.largest) / 3)


def test_more_steps_find_no_less() -> None:
    photos = 0.3 + 0.4 * torch.rand(1, 3, 32, 32)
    few, many = (_measured("layer1", photos, attack_steps=steps, radii=[0.5]) for steps in (1, 8))
    assert many.changes[0.5].mean_largest > few.changes[0.5].mean_largest


def test_depth__rises_to_the_deepest_layer() -> None:
    photos = torch.rand(1, 3, 32, 32)
    options = {"attack_steps": 1, "draws": 1, "radii": [0.1]}
    stem, last = (_measured(layer, photos, **options) for layer in ("stem", "layer4"))
    assert stem.depth == pytest.approx(1 / 20)
    assert last.depth == 1.0
    assert 0 < last.entropy <= 1 < last.peak


def test_global_random_numbers_are_left_alone() -> None:
    before = torch.random.get_rng_state()
    first = _measured("stem", torch.full((1, 3, 32, 32), 0.5), attack_steps=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    assert _measured("stem", torch.full((1, 3, 32, 32), 0.5), attack_steps=1).changes == first.changes


@pytest.mark.parametrize(
    ("encoder", "layers"),
    [
        ("resnet18:random", ["stem", "layer1", "layer2", "layer3", "layer4"]),
        ("vgg11:random", ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]),
    ],
)
def test_layers__those_of_the_style_and_the_stem(encoder: str, layers: list[str]) -> None:
    settings = LayerSettings(data=Path(), encoders=[encoder])
    assert layers_of(settings, settings.choices[encoder]) == layers


def test_layers__one_that_the_network_does_not_have() -> None:
    settings = LayerSettings(data=Path(), encoders=["resnet18:random"], layers=["layer9"])
    with pytest.raises(UnknownNameError, match="layer9"):
        layers_of(settings, settings.choices["resnet18:random"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"radii": [0.0]}, InvalidValueError),
        ({"photos": 0}, InvalidValueError),
        ({"encoders": []}, InvalidValueError),
        ({"size": 32}, InvalidValueError),
        ({"encoders": ["resnet19"]}, UnknownNameError),
    ],
    ids=str,
)
def test_settings_that_cannot_be(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        LayerSettings(**{"data": Path(), "encoders": ["resnet18:random"], **options})
