from collections.abc import Callable

import pytest
import torch
from skimage.color import rgb2gray
from skimage.metrics import structural_similarity
from torch import Tensor

from rnst.metrics.content_similarity import edge_correlation, ssim

Measure = Callable[[Tensor, Tensor], float]


@pytest.mark.parametrize("measure", [edge_correlation, ssim])
def test_one_for_equal_pictures_and_symmetric(pictures: dict[str, Tensor], measure: Measure) -> None:
    assert measure(pictures["photo"], pictures["photo"]) == pytest.approx(1.0)
    assert measure(pictures["photo"], pictures["style"]) == pytest.approx(measure(pictures["style"], pictures["photo"]))


@pytest.mark.parametrize("measure", [edge_correlation, ssim])
def test_falls_with_the_content(pictures: dict[str, Tensor], measure: Measure) -> None:
    recolored, stylized, other = (
        measure(image, pictures["photo"]) for image in (pictures["recolored"], pictures["stylized"], pictures["sample"])
    )
    assert recolored > stylized > other
    assert abs(other) < 0.2


def test_ssim_is_that_of_scikit_image() -> None:
    first, second = torch.rand(1, 3, 60, 80), torch.rand(1, 3, 60, 80)  # small enough not to be reduced
    second = 0.6 * first + 0.4 * second
    grays = [rgb2gray(image[0].permute(1, 2, 0).double().numpy()) for image in (first, second)]
    expected = structural_similarity(  # type: ignore[no-untyped-call]  # so it ships
        *grays, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(first, second) == pytest.approx(expected, abs=1e-9)


def test_edges_ignore_color_and_inversion(pictures: dict[str, Tensor]) -> None:
    assert edge_correlation(1.0 - pictures["photo"], pictures["photo"]) == pytest.approx(1.0, abs=1e-3)
    assert ssim(1.0 - pictures["photo"], pictures["photo"]) < 0.0


@pytest.mark.parametrize("measure", [edge_correlation, ssim])
def test_strokes_finer_than_the_thumbnail_do_not_count(pictures: dict[str, Tensor], measure: Measure) -> None:
    large = torch.nn.functional.interpolate(pictures["photo"], scale_factor=4, mode="bicubic").clamp(0.0, 1.0)
    stripes = large + 0.2 * torch.tensor([1.0, -1.0]).repeat(large.shape[-1] // 2)
    assert measure(stripes.clamp(0.0, 1.0), large) > 0.95


def test_content_may_have_another_size(pictures: dict[str, Tensor]) -> None:
    large = torch.nn.functional.interpolate(pictures["photo"], scale_factor=2, mode="bicubic").clamp(0.0, 1.0)
    assert ssim(large, pictures["photo"]) > 0.98
    assert edge_correlation(large, pictures["photo"]) > 0.98


def test_flat_picture_has_no_edges_to_compare(pictures: dict[str, Tensor]) -> None:
    assert edge_correlation(torch.full_like(pictures["photo"], 0.5), pictures["photo"]) == 0.0
