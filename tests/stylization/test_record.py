"""Which finished picture is the one that is asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import write_weights
from rnst.image.color_matching import gray_like
from rnst.image.files import write_image
from rnst.results import Result
from rnst.stylization.inputs import read_inputs
from rnst.stylization.job import Job, resolve
from rnst.stylization.record import NOT_OF_THE_PICTURE, describe, finished, hashes_of, result_of, scores_of
from rnst.stylization.scale_runner import ScaleOutcome
from rnst.stylization.settings import StylizationSettings

_BASE: dict[str, Any] = {
    "content": "cat.png",
    "style": "waves.png",
    "output": Path("out.png"),
    "encoder": "resnet18",
    "weights": "net.safetensors",
    "size": 48,
    "init": "start.png",
    "content_mask": ["mask.png"],
    "color_basis": "colors",
}


def _weights(seed: int) -> None:
    torch.manual_seed(seed)
    write_weights(Path("net.safetensors"), build_classifier("resnet18", 2).state_dict(), {})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "waves", "start", "mask", "colors/one"):
        write_image(torch.rand(1, 3, 30, 40), Path(f"{name}.png"))
    _weights(0)


def _job(**options: Any) -> Job:
    return resolve(StylizationSettings(**{**_BASE, **options}))


def _made(changes: dict[str, Any] | None = None, **options: Any) -> Job:
    """Write what a run of these options would have written."""
    job = _job(**options).at((30, 40))
    outcome = ScaleOutcome(torch.rand(1, 3, 36, 48), {"total": 1.0}, finished=True, first_losses={"total": 2.0})
    result = result_of(job, outcome, 1.0, {}, describe(job), hashes_of(job.pictures))
    replace(result, **(changes or {})).write()
    write_image(outcome.image, job.records.output)
    return job


def test_finished__the_result_of_the_same_options() -> None:
    assert finished(_job()) is None
    _made()
    found = finished(_job())
    assert found is not None
    assert (found.image, found.settings["tile"], found.settings["scales"]) == (Path("out.png"), 0, 1)


_OTHERS = {
    "quality": 50,
    "save_every": 3,
    "resume": True,
    "group": "mine",
    "tracking": "off",
    "tile": 64,
    "memory": "8GB",
    "devices": 2,
}


@pytest.mark.parametrize("name", _OTHERS)
def test_finished__options_that_change_no_pixels(name: str) -> None:
    assert name in NOT_OF_THE_PICTURE
    _made()
    assert finished(_job(**{name: _OTHERS[name]})) is not None


def test_finished__usual_values_may_be_spelled_out() -> None:
    _made()
    assert finished(_job(style_weight=15.0, learning_rate=1.0, style_layer_weights=[3.0, 1.0, 0.3], scales=1))


@pytest.mark.parametrize(
    "options",
    [{"steps": 7}, {"seed": 1}, {"style_weight": 2.0}, {"init": "noise"}, {"scales": 2}, {"weights": "random"}],
    ids=str,
)
def test_finished__options_that_change_the_picture(options: dict[str, Any]) -> None:
    _made()
    assert finished(_job(**options)) is None
    _made(**options)
    assert finished(_job()) is None


@pytest.mark.parametrize("name", ["cat", "waves", "start", "mask", "colors/one"])
def test_finished__a_picture_with_another_content_is_another_one(name: str) -> None:
    _made()
    torch.manual_seed(1)
    write_image(torch.rand(1, 3, 30, 40), Path(f"{name}.png"))
    assert finished(_job()) is None


def test_finished__retrained_weights_under_the_same_path_are_others() -> None:
    _made()
    _weights(1)
    assert finished(_job()) is None


def test_finished__not_one_that_was_stopped_or_has_lost_its_picture() -> None:
    _made({"finished": False})
    assert finished(_job()) is None
    _made()
    Path("out.png").unlink()
    assert finished(_job()) is None


def test_finished__what_cannot_be_read_is_not_there() -> None:
    _made()
    Path("cat.png").write_text("this is a text")
    assert finished(_job()) is None
    Path("out.json").write_text("this is a text")
    assert finished(_job()) is None


def test_finished__scores_that_are_asked_for_have_to_be_there() -> None:
    _made()
    assert finished(_job(scores=True)) is None
    _made({"scores": {"edges": 1.0}})
    assert finished(_job(scores=True)) is not None
    assert finished(_job(scores=True, lpips=True)) is None
    assert finished(_job()) is not None


def test_result__survives_its_sidecar() -> None:
    job = _made()
    result = Result.read(job.records.output.with_suffix(".json"))
    assert result.sources_sha256.keys() == {"content", "style", "init", "content_mask", "color_basis"}
    assert len(result.weights_sha256) == 64


def test_scores__of_luminance_compare_gray_with_gray() -> None:
    job = _job(colors="luminance", scores=True, content_mask=None)
    inputs = read_inputs(job.pictures, job.resolution)
    image = torch.rand(1, 3, 72, 96)
    losses = {"total": 1.0, "style": 1.0}
    colored = ScaleOutcome(image, losses, finished=True, first_losses=losses)
    gray = replace(colored, image=gray_like(image, image))
    assert scores_of(job, inputs, colored) == pytest.approx(scores_of(job, inputs, gray), rel=1e-3)
    free = _job(scores=True, content_mask=None)
    assert scores_of(free, inputs, colored) != pytest.approx(scores_of(free, inputs, gray), rel=1e-3)
