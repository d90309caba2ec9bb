"""What is not set is decided in one place."""

import json
import pickle
from dataclasses import fields
from itertools import product
from typing import Any

import pytest
import torch

from rnst.encoders import catalog
from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.errors import InvalidValueError, UnknownNameError
from rnst.losses.conventions import CONVENTIONS
from rnst.optimization.tiling import Limits, Tiling
from rnst.stylization.job import Job, resolve
from rnst.stylization.parts import Look
from rnst.stylization.regions import Region, Source
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.targets import StyleTargets

# None where there is nothing of that kind, or where the machine decides when the picture is made.
_MAY_BE_NONE = {"aspect", "content_mask", "style_mask", "tile", "memory", "tracking_folder", "print", "dpi"}
_CHOICES: list[dict[str, Any]] = [
    {},
    {"content": "none", "style": ["a.png", "b.png"], "style_weights": [1.0, 3.0]},
    {"content": "none", "aspect": 0.7, "optimizer": "adam", "transforms": "robust"},
    {"optimizer": "adam", "learning_rate": 0.2, "scales": 3, "tile": 128, "devices": 2, "memory": "8GB"},
    {"content_weight": 0.0, "init": "noise", "encoder": "vgg16_standard", "weights": "random"},
    {"style_layers": ["layer1", "layer2"], "style_layer_weights": [1.0, 0.0], "smoothing": "softmax"},
    {"convention": "neural-style", "side": "short", "supersample": 1.5, "content_mask": ["m.png"], "group": "mine"},
    {"sequence": True, "sequence_weight": 2.0, "color_basis": "decorrelated", "output": "{content}-{seed}.png"},
]


@pytest.mark.parametrize("options", _CHOICES, ids=str)
def test_nothing_is_left_open(options: dict[str, Any]) -> None:
    values = resolve(StylizationSettings(**options), (300, 400)).as_dict()
    assert list(values) == [entry.name for entry in fields(StylizationSettings)]
    assert json.loads(json.dumps(values)) == values
    assert {name for name, value in values.items() if value is None} <= _MAY_BE_NONE
    by_the_file = {"tracking", "depth"}  # decided where a file is written
    assert "auto" not in {value for name, value in values.items() if name not in by_the_file and isinstance(value, str)}


@pytest.mark.parametrize("options", _CHOICES, ids=str)
def test_what_was_set_stays_and_resolving_twice_changes_nothing(options: dict[str, Any]) -> None:
    job = resolve(StylizationSettings(**options), (300, 400))
    values = job.as_dict()
    assert {name: values[name] for name in options} == options
    assert resolve(StylizationSettings(**values), (300, 400)) == job  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("optimizer", "convention", "smoothing"), [*product(("lbfgs", "adam"), CONVENTIONS, ("none", "softmax"))]
)
def test_usual_values(optimizer: Any, convention: Any, smoothing: Any) -> None:
    job = resolve(StylizationSettings(optimizer=optimizer, convention=convention, smoothing=smoothing))
    usual = CONVENTIONS[convention]
    weights = (job.look.style_weight, job.look.content_weight, job.look.tv_weight)
    assert weights == (usual.style_weight, usual.content_weight, usual.tv_weight)
    assert job.look.style_loss == ("w2" if (convention, smoothing) == ("relative", "none") else "gram")
    rate = (job.optimizer.learning_rate, job.parametrization.fourier_decay, job.limits.history)
    assert rate == ((1.0, 0.3, 10) if optimizer == "lbfgs" else (0.05, 0.5, 0))
    network = find_network(job.network.encoder)
    assert tuple(job.look.style_layers) == catalog.style_layers(network)
    assert job.look.content_layers == dict.fromkeys(catalog.content_layers(network), 1.0)
    assert job.pictures.init == "content"


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, [3.0, 1.0, 0.3]),
        ({"style_loss": "gram"}, [3.0, 1.0, 0.3]),
        ({"encoder": "vgg16_standard"}, [1.0] * 5),
        ({"style_layers": ["layer1", "layer2", "layer3"]}, [1.0] * 3),
        ({"style_layer_weights": [1.0, 2.0, 3.0]}, [1.0, 2.0, 3.0]),
        ({"normalize_gradients": True}, [1.0] * 3),
        ({"content": "none"}, [1.0] * 3),
        ({"convention": "nakano"}, [1.0] * 3),
        ({"smoothing": "softmax"}, [1.0] * 3),
    ],
    ids=str,
)
def test_usual_style_layer_weights__of_own_layers_in_own_convention(options: Any, weights: list[float]) -> None:
    assert list(resolve(StylizationSettings(**options)).look.style_layers.values()) == weights


@pytest.mark.parametrize("options", [{"content": "none"}, {"content_weight": 0.0}], ids=str)
def test_without_a_content_to_compare_with__no_content_layers_and_noise_like_the_style(options: dict[str, Any]) -> None:
    options["content_layers"], options["content_layer_weights"] = ["layer1"], [1.0]
    job = resolve(StylizationSettings(**options))
    assert job.look.content_layers == {}
    assert job.pictures.init == "style_noise"


def _count(job: Job, size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    job = job.at(size)
    assert job.resolution.scales == len(job.scales)
    return len(job.scales), job.scales[-1].size


def test_scales__begin_at_362_pixels_and_end_at_the_size_that_is_optimized() -> None:
    assert _count(resolve(StylizationSettings(size=512, supersample=2.0)), (300, 400)) == (4, (768, 1024))
    assert _count(resolve(StylizationSettings(size=512, supersample=1.0)), (300, 400)) == (2, (384, 512))
    assert _count(resolve(StylizationSettings(size=256, supersample=1.0)), (300, 400)) == (1, (192, 256))
    long = resolve(StylizationSettings(size=256, supersample=1.0, side="short"))
    assert _count(long, (100, 400)) == (4, (256, 1024))
    assert _count(resolve(StylizationSettings(scales=2, supersample=1.0)), (300, 400))[0] == 2
    assert resolve(StylizationSettings()).scales == ()


@pytest.mark.parametrize(
    ("transforms", "optimizer", "hold"),
    [("none", "adam", 15), ("none", "lbfgs", 15), ("robust", "lbfgs", 15), ("robust", "adam", 1)],
)
def test_hold(transforms: Any, optimizer: Any, hold: int) -> None:
    settings = StylizationSettings(transforms=transforms, optimizer=optimizer)
    assert resolve(settings).augmentations.hold == hold


def test_mistakes() -> None:
    with pytest.raises(UnknownNameError, match="resnet18"):
        resolve(StylizationSettings(encoder="resnet17"))
    with pytest.raises(InvalidValueError, match="style_layer_weights"):
        resolve(StylizationSettings(style_layer_weights=[1.0]))


def test_print__of_a_video_waits_for_its_frames() -> None:
    settings = StylizationSettings(content="absent.mp4", print="20x30cm")
    assert resolve(settings).resolution.size == settings.size


def test_records__group_and_silence() -> None:
    records = resolve(StylizationSettings(content="a/cat.png", style=["waves.png", "stars.png"], scores=True)).records
    assert records.group == "cat in the style of waves + stars"
    silent = records.silent()
    assert (silent.tracking, silent.save_every, silent.scores) == ("off", 0, False)
    assert silent.output == records.output


def test_parts_are_made_from_python_in_three_lines() -> None:
    look = Look(style_layers={"layer1": 1.0, "layer2": 0.5}, style_loss="gram")
    encoder, _ = load_encoder(find_network("resnet18"), look.layers, weights="random")
    (losses,) = StyleTargets(look, encoder, [Region((Source(torch.rand(1, 3, 64, 64), 1.0),))]).at(48)
    assert list(losses) == ["layer1", "layer2"]
    tiling = Tiling(encoder, Limits(tile=64))
    assert (tiling.tile_of((200, 100)), tiling.tile_of((50, 50))) == (64, 0)
    assert Tiling(encoder, Limits(tile=0)).tile_of((200, 100)) == 0
