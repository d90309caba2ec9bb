"""A picture that tiles: no position is special, for the losses and in the finished picture."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from rnst.encoders.encoder import load_encoder
from rnst.errors import InvalidValueError
from rnst.image.files import read_image
from rnst.stylization.inputs import read_inputs
from rnst.stylization.job import Job, resolve
from rnst.stylization.scale_runner import ScaleRunner
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize
from rnst.stylization.targets import StyleTargets

_TINY = {
    "content": "none",
    "encoder": "resnet18",
    "weights": "random",
    "style_layers": ["stem", "layer1", "layer2"],
    "aspect": 1.0,
    "size": 64,
    "scales": 1,
    "precision": "fp32",
}


def _job(**options: object) -> Job:
    return resolve(StylizationSettings(**{**_TINY, **options}))  # type: ignore[arg-type]


def _loss(job: Job, image: Tensor) -> float:
    """Of the whole picture in its last view."""
    inputs = read_inputs(job.pictures, job.resolution)
    encoder, _ = load_encoder("resnet18", job.look.layers, weights="random")
    job = job.at(inputs.size)
    runner = ScaleRunner(job, encoder, inputs, StyleTargets(job.look, encoder, inputs.regions))
    views, _ = runner._views.of(job.scales[-1], torch.device("cpu"))
    return views[-1].losses(runner._encoder, image)["total"].item()


@pytest.mark.parametrize(("seamless", "roll"), [("both", (32, 32)), ("x", (0, 32)), ("y", (32, 0))])
def test_a_roll_by_half_changes_the_loss_by_less_than_a_percent(seamless: str, roll: tuple[int, int]) -> None:
    image = torch.rand(1, 3, 64, 64)
    image[..., :20, :30] *= 0.2  # a shape that a roll moves across the border
    job = _job(seamless=seamless, supersample=1.0, margin=0)
    straight, rolled = _loss(job, image), _loss(job, image.roll(roll, (-2, -1)))
    assert abs(rolled / straight - 1) < 1e-2
    plain = _job(supersample=1.0, margin=0)
    assert abs(_loss(plain, image.roll(roll, (-2, -1))) / _loss(plain, image) - 1) > 1e-4


def _seam(image: Tensor, axis: int) -> tuple[float, float]:
    """Mean absolute difference across the seam in that of all other neighbors; standard deviation of theirs."""
    others = [number for number in range(4) if number != axis % 4]
    differences = (image.roll(-1, axis) - image).abs().mean(others)
    inside = differences[:-1]
    return (differences[-1] / inside.mean()).item(), (inside.std() / inside.mean()).item()


@pytest.mark.parametrize("seamless", ["both", "x"])
def test_the_gradient_across_the_seam_is_that_inside(seamless: str, tmp_path: Path) -> None:
    """Within three standard deviations of the columns or rows inside; across other borders it is far larger."""
    output = tmp_path / "texture.png"
    stylize(**_TINY, seamless=seamless, supersample=2.0, steps=8, output=output)  # type: ignore[arg-type]
    image = read_image(output)
    assert image.shape[-2:] == (64, 64)
    for axis, wraps in ((-1, True), (-2, seamless == "both")):
        ratio, deviation = _seam(image, axis)
        assert (abs(ratio - 1) < 3 * deviation) == wraps


def test_sizes__are_rounded_up_to_strides_and_the_picture_keeps_its_own() -> None:
    job = _job(seamless="x", size=100, supersample=2.0, aspect=None)
    inputs = read_inputs(job.pictures, job.resolution)
    scale = job.at(inputs.size).scales[-1]
    assert scale.size[1] == 224
    assert job.resolution.delivered(inputs.size)[1] == 100
    assert inputs.notes == ("--seamless needs multiples of 32: optimized at 224 instead of 200 pixels",)
    assert not read_inputs(_job(size=96).pictures, _job(size=96).resolution).notes


@pytest.mark.parametrize(
    "change", [{"tile": 64}, {"devices": 2}, {"transforms": "robust"}, {"sequence": True}], ids=str
)
def test_what_has_borders__is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match=r"with --seamless"):
        _job(seamless="both", **change)


def test_networks_with_positions__are_refused(tmp_path: Path) -> None:
    options = {**_TINY, "encoder": "vit_b_32", "style_layers": None, "seamless": "both", "output": tmp_path / "a.png"}
    with pytest.raises(InvalidValueError, match="depends on positions"):
        stylize(**options)  # type: ignore[arg-type]
    assert not (tmp_path / "a.png").exists()
