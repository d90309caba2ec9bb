"""What the plain ResNet leaves in textures, a stem of stride 1 and 2x2 pools do not."""

from pathlib import Path

import pytest
import torch
from rich.console import Console

from rnst.studies.artifacts.fixes import FIXES, NONE
from rnst.studies.artifacts.plumbing import changes_network, plumbing_of
from rnst.studies.artifacts.settings import ArtifactSettings
from rnst.studies.artifacts.textures import STRIPES, Texture, mean_scores, optimize_textures, zoomed

_SINGLA = "stem stride 1, 2x2 average"


def test_fixes__each_differs_from_none() -> None:
    assert all(settings != FIXES[NONE] for fix, settings in FIXES.items() if fix != NONE)
    assert len({tuple(settings.items()) for settings in FIXES.values()}) == len(FIXES)
    assert plumbing_of(NONE).strides == "keep"
    assert plumbing_of(_SINGLA).stem == "dense"
    assert changes_network(NONE)
    assert changes_network("blurred strides")
    assert not changes_network("shifts")


def test_mean_scores__over_seeds() -> None:
    textures = [Texture("net", NONE, seed, Path("x.png"), {"a": float(seed)}) for seed in (1, 2)]
    assert mean_scores([*textures, Texture("net", "blur", 0, Path("y.png"), {"a": 7.0})]) == {
        ("net", NONE): {"a": 1.5},
        ("net", "blur"): {"a": 7.0},
    }


def test_zoomed__every_pixel_becomes_a_square() -> None:
    image = torch.rand(1, 3, 10, 12)
    large = zoomed(image, side=4, factor=3)
    assert large.shape == (1, 3, 12, 12)
    assert torch.equal(large[..., ::3, ::3], image[..., 3:7, 4:8])
    assert torch.equal(large[..., 2::3, 1::3], large[..., ::3, ::3])


@pytest.mark.slow
def test_untrained_resnet__six_decibels_of_stripes_are_the_strides(tmp_path: Path) -> None:
    # A dark picture: the stride's pattern shows where gray noise must become darker everywhere.
    settings = ArtifactSettings(
        encoders=["resnet18:random"], fixes=[NONE, _SINGLA], style="rocket", seeds=3, output=tmp_path, tracking="off"
    )
    means = mean_scores(optimize_textures(settings, Console(quiet=True)))
    assert means["resnet18:random", NONE][STRIPES] - means["resnet18:random", _SINGLA][STRIPES] >= 6.0
