import gc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
import pytorch_lightning as pl
import torch

from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.stylization.inputs import Inputs
from rnst.stylization.job import Job, resolve
from rnst.stylization.regions import Region, Source
from rnst.stylization.scale_runner import NoFiniteLossError, ScaleRunner
from rnst.stylization.scales import Scale, plan_scales
from rnst.stylization.settings import StylizationSettings

_LAYERS = ["stem", "layer1"]


def _job(**options: Any) -> Job:
    chosen = {
        "style_layers": _LAYERS,
        "content_layers": ["layer1"],
        "shifts": 2,
        "precision": "fp32",
        "tracking": "off",
    }
    return resolve(StylizationSettings(**{**chosen, **options}))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.iterdir()), "a runner writes nothing"


def _runner(**options: Any) -> ScaleRunner:
    torch.manual_seed(0)
    encoder, _ = load_encoder(find_network("resnet18"), _LAYERS, weights="random")
    content, style = torch.rand(1, 3, 30, 40), torch.rand(1, 3, 50, 20)
    return ScaleRunner(_job(**options), encoder, Inputs(None, content, (Region((Source(style, 1.0),)),), content))


def test_plan__sizes_and_steps() -> None:
    plan = plan_scales((300, 600), 512, 3, 7)
    assert plan == [Scale((128, 256), 7, 0), Scale((181, 362), 7, 7), Scale((256, 512), 7, 14)]


@pytest.mark.parametrize("scales", [1, 2, 5])
@pytest.mark.parametrize("size", [(600, 400), (31, 77), (50, 50)], ids=str)
def test_plan__the_last_is_what_was_asked_for(size: tuple[int, int], scales: int) -> None:
    plan = plan_scales(size, 256, scales, 40)
    assert len(plan) == scales
    assert max(plan[-1].size) == 256
    for coarse, fine in pairwise(plan):
        assert max(fine.size) / max(coarse.size) == pytest.approx(2**0.5, rel=0.02)
        assert fine.first_step == coarse.first_step + coarse.steps
    for scale in plan:
        assert scale.size[0] / scale.size[1] == pytest.approx(size[0] / size[1], rel=0.05)


@pytest.mark.parametrize("parameters", ["pixels", "fourier"])
def test_optimize__a_picture_of_the_size_of_the_scale(parameters: str) -> None:
    runner = _runner(parameters=parameters)
    start = torch.rand(1, 3, 20, 20)
    stylized = runner.optimize(Scale((33, 45), 2, 0), start, [], [])
    assert stylized.finished
    assert stylized.image.shape == (1, 3, 33, 45)
    assert stylized.image.dtype == torch.float32
    assert 0.0 <= stylized.image.min() <= stylized.image.max() <= 1.0
    assert stylized.losses.keys() == {"total", "style", "content", "total_variation"}


@pytest.mark.parametrize("weights", [{"style_weight": 0.0, "tv_weight": 0.0}], ids=["content alone"])
def test_optimize__nothing_to_do_where_the_content_is_the_goal(weights: dict[str, float]) -> None:
    runner = _runner(shifts=1, **weights)
    stylized = runner.optimize(Scale((30, 40), 2, 0), runner._inputs.content, [], [])
    assert stylized.losses["total"] < 1e-5
    torch.testing.assert_close(stylized.image, runner._inputs.content, rtol=0.0, atol=0.01)


def test_optimize__more_weight_on_the_style_brings_it_nearer() -> None:
    losses = []
    for style_weight in (0.01, 100.0):
        runner = _runner(style_weight=style_weight, shifts=1)
        losses.append(runner.optimize(Scale((30, 40), 6, 0), runner._inputs.content, [], []).losses)
    assert losses[1]["style"] < losses[0]["style"]
    assert losses[1]["content"] > losses[0]["content"]


def test_optimize__a_loss_that_is_never_finite() -> None:
    runner = _runner(optimizer="adam")
    with pytest.raises(NoFiniteLossError, match="--style_weight"):
        runner.optimize(Scale((30, 40), 1, 0), torch.full((1, 3, 30, 40), torch.nan), [], [])


class _Watch(pl.Callback):
    """Sees the task, and does not keep it."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        self.task = ref(pl_module)


def test_optimize__what_a_large_size_needed_is_free_after_it() -> None:
    watch = _Watch()
    gc.disable()  # when it runs by itself depends on the objects of all other tests
    try:
        _runner().optimize(Scale((384, 384), 1, 0), torch.rand(1, 3, 20, 20), [watch], [])
        assert watch.task() is None
    finally:
        gc.enable()
