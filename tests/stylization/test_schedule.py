from dataclasses import replace
from typing import Any

import pytest
import torch

from rnst.encoders.encoder import Encoder, load_encoder
from rnst.encoders.names import find_network
from rnst.image.files import resize
from rnst.image.transforms import Placement, Shift
from rnst.optimization.tiled_gradient import Unseen
from rnst.stylization.image_optimization import AugmentedObjective
from rnst.stylization.inputs import Inputs
from rnst.stylization.job import resolve
from rnst.stylization.regions import Region, Source
from rnst.stylization.scales import Scale
from rnst.stylization.schedule import AugmentationSchedule, framed
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.targets import StyleTargets
from rnst.stylization.tiling import tiling_of_picture

_SIZE = (30, 40)


def _views(scale: Scale, **options: Any) -> tuple[list[AugmentedObjective], Encoder, Inputs]:
    layers = {"style_layers": ["stem"], "content_layers": ["layer1"]}
    job = resolve(StylizationSettings(**{**layers, "precision": "fp32", "tracking": "off", **options}))
    torch.manual_seed(0)
    encoder, _ = load_encoder(find_network("resnet18"), ["stem", "layer1"], weights="random")
    content = torch.rand(1, 3, *_SIZE)
    inputs = Inputs(None, content, (Region((Source(torch.rand(1, 3, 50, 20), 1.0),)),), content)
    targets = StyleTargets(job.look, encoder, inputs.regions, job.limits)
    tiling = tiling_of_picture(job.limits, job.look, job.augmentations, encoder)
    part = job.parametrization
    schedule = AugmentationSchedule(job.look, job.augmentations, part, encoder, inputs, targets, tiling)
    views, cut = schedule.of(scale, torch.device("cpu"))
    assert cut == bool(options.get("tile"))
    return views, encoder, inputs


@pytest.mark.parametrize(("optimizer", "steps", "count"), [("lbfgs", 40, 3), ("adam", 40, 40), ("lbfgs", 2, 1)])
def test_robust__placements_then_the_picture_as_it_stands(optimizer: str, steps: int, count: int) -> None:
    views, _, _ = _views(Scale(_SIZE, steps, 0), transforms="robust", optimizer=optimizer)
    assert len(views) == count
    assert all(isinstance(view.transform, Placement) for view in views[:-1])
    assert views[-1].transform == Shift(0, 0)


def test_robust__the_next_scale_goes_on_and_the_seed_counts() -> None:
    options = {"transforms": "robust", "optimizer": "adam"}
    whole, _, _ = _views(Scale(_SIZE, 9, 0), **options)
    second, _, _ = _views(Scale(_SIZE, 5, 4), **options)
    assert [view.transform for view in second[:-1]] == [view.transform for view in whole[4:-1]]
    other, _, _ = _views(Scale(_SIZE, 9, 0), **options, seed=1)
    assert other[0].transform != whole[0].transform


@pytest.mark.parametrize(("steps", "shifted"), [(10, 0), (30, 1), (75, 2), (150, 5)])
def test_shifts__take_turns_for_half_of_the_steps(steps: int, shifted: int) -> None:
    views, _, _ = _views(Scale(_SIZE, steps, 0))
    assert [view.transform == Shift(0, 0) for view in views] == [False] * shifted + [True]
    assert len({view.transform for view in views}) == len(views)


def test_shifts__the_next_scale_goes_on_with_the_next_one() -> None:
    whole, _, _ = _views(Scale(_SIZE, 300, 0))
    second, _, _ = _views(Scale(_SIZE, 75, 75))  # five shifts of 15 steps later
    assert [view.transform for view in second[:-1]] == [view.transform for view in whole[5:7]]


@pytest.mark.parametrize("transforms", ["none", "robust"])
def test_the_photo_is_its_own_content_under_every_transform(transforms: str) -> None:
    views, encoder, inputs = _views(Scale(_SIZE, 60, 0), transforms=transforms, normalize_gradients=True)
    picture = framed(resize(inputs.content, _SIZE), 16)
    assert len({view.transform for view in views}) == len(views) > 2
    for view in views:
        seen = view.transform(picture)
        losses = view.objective(encoder(seen), picture)
        assert losses["content"] < 1e-6
        assert losses["style"] > 1e-3


@pytest.mark.parametrize("tile", [0, 32])
def test_shifts_per_step__the_mean_over_neighbors(tile: int) -> None:
    """Every view, the last one too, has the losses and the gradient of four views that are one pixel apart."""
    views, encoder, inputs = _views(Scale(_SIZE, 30, 0), shifts_per_step=4, shifts=3, tile=tile)
    assert [len(view.others) for view in views] == [3, 3]
    assert {view.transform for view in (views[-1], *views[-1].others)} == set(map(Shift, (0, 0, 1, 1), (0, 1, 0, 1)))
    picture = framed(resize(inputs.regions[0].sources[0].image, _SIZE), 16).requires_grad_()
    seen_by = Unseen() if tile else encoder
    for view in views:
        losses = view.losses(seen_by, picture)
        (found,) = torch.autograd.grad(losses["total"], picture)
        singles = [replace(one, others=()).losses(seen_by, picture) for one in (view, *view.others)]
        total = torch.stack([single["total"] for single in singles]).mean()
        (expected,) = torch.autograd.grad(total, picture)
        torch.testing.assert_close(losses["total"], total)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)
        assert len({single["content"].item() for single in singles}) == 4


def test_shifts_per_step__so_many_random_placements() -> None:
    options = {"transforms": "robust", "optimizer": "adam"}
    single, _, _ = _views(Scale(_SIZE, 9, 0), **options)
    pairs, _, _ = _views(Scale(_SIZE, 5, 0), **options, shifts_per_step=2)
    drawn = [one.transform for view in pairs[:-1] for one in (view, *view.others)]
    assert drawn == [view.transform for view in single[:-1]]
    assert (pairs[-1].transform, pairs[-1].others) == (Shift(0, 0), ())
