import pytest
import torch
from torch import Tensor

from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.studies.artifacts.fixes import NONE
from rnst.studies.artifacts.gradient_phases import KERNELS, Phases, gradient_phases, overlaps, random_crops
from rnst.studies.artifacts.plumbing import plumbing_of


def test_overlaps__autograd_agrees_with_the_closed_form() -> None:
    found = overlaps()
    assert [(one.kernel, one.stride) for one in found] == list(KERNELS)
    for one in found:
        assert one.measured == pytest.approx(one.expected, abs=0.03)


def _phases(fix: str, crops: Tensor) -> Phases:
    encoder, _ = load_encoder(find_network("resnet18"), ["layer1"], weights="random", surgery=plumbing_of(fix))
    return gradient_phases(encoder, crops, cotangents=4)["layer1"]


def test_untrained_resnet__the_stem_makes_period_two_and_the_pool_period_four() -> None:
    crops = torch.rand(2, 3, 96, 96)
    plain, average = _phases(NONE, crops), _phases("average pools", crops)
    even, dense = _phases("2x2 average pools", crops), _phases("stem stride 1, 2x2 average", crops)
    assert 0.16 < plain.period_two < 0.27
    assert plain.period_four > 0.08
    # Averages in the place of maxima leave both; windows as large as the stride take the second away.
    assert average.period_two > 0.16
    assert average.period_four > 0.08
    assert even.period_two > 0.16
    assert even.period_four < 0.06
    assert max(dense.period_two, dense.period_four) < 0.06


def test_random_crops__pieces_of_the_photo_that_the_seed_chooses() -> None:
    photo = torch.rand(1, 3, 30, 40)
    crops = random_crops(photo, 8, 3)
    assert crops.shape == (3, 3, 8, 8)
    windows = photo.unfold(2, 8, 1).unfold(3, 8, 1)[0]  # (3, rows, columns, 8, 8)
    for crop in crops:
        assert bool((windows == crop[:, None, None]).all(dim=(0, 3, 4)).any())
    assert torch.equal(crops, random_crops(photo, 8, 3))
    assert not torch.equal(crops, random_crops(photo, 8, 3, seed=1))
    assert random_crops(photo[..., :8, :8], 8, 1).shape == (1, 3, 8, 8)
