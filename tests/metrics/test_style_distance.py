import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.io import decode_jpeg, encode_jpeg

from rnst.metrics.random_network import Gaussian, layer_statistics
from rnst.metrics.style_distance import StyleReference, gaussian_wasserstein, style_distance, texture_distance

Measure = Callable[[Tensor, Tensor], float]


def _gaussian(mean: list[float], covariance: torch.Tensor) -> Gaussian:
    return Gaussian(torch.tensor(mean, dtype=torch.float64), covariance.double())


def _random_covariance(size: int, rank: int) -> torch.Tensor:
    factor = torch.randn(size, rank, dtype=torch.float64)
    return factor @ factor.T


def _jpeg(image: torch.Tensor, quality: int) -> torch.Tensor:
    file = encode_jpeg(image[0].mul(255.0).round().to(torch.uint8), quality=quality)
    decoded: torch.Tensor = decode_jpeg(file)
    return decoded[None].float() / 255.0


def test_wasserstein_of_diagonal_covariances_is_closed_form() -> None:
    first = _gaussian([0.0, 1.0], torch.diag(torch.tensor([4.0, 9.0])))
    second = _gaussian([3.0, 1.0], torch.diag(torch.tensor([1.0, 25.0])))
    assert gaussian_wasserstein(first, second) == pytest.approx(math.sqrt(9.0 + 1.0 + 4.0))


def test_wasserstein_equals_the_textbook_formula() -> None:
    first, second = _random_covariance(6, 6), _random_covariance(6, 6)
    # The trace of the root of a product is the sum of the roots of its eigenvalues.
    cross = torch.linalg.eigvals(first @ second).real.sqrt().sum()
    expected = (first.trace() + second.trace() - 2.0 * cross).sqrt().item()
    zero = [0.0] * 6
    assert gaussian_wasserstein(_gaussian(zero, first), _gaussian(zero, second)) == pytest.approx(expected)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_wasserstein_is_symmetric_and_zero_for_equals(rank: int) -> None:
    first = _gaussian([0.5] * 8, _random_covariance(8, rank))
    second = _gaussian([1.0] * 8, _random_covariance(8, 8))
    assert gaussian_wasserstein(first, second) == pytest.approx(gaussian_wasserstein(second, first))
    assert gaussian_wasserstein(first, first) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("distance", [style_distance, texture_distance])
def test_style_has_no_distance_to_itself(pictures: dict[str, Tensor], distance: Measure) -> None:
    assert distance(pictures["style"], pictures["style"]) == pytest.approx(0.0, abs=1e-6)


def test_distance_is_the_documented_mean(pictures: dict[str, Tensor]) -> None:
    image, style = pictures["photo"][..., :64, :64], pictures["style"][..., :80, :64]
    parts = [
        gaussian_wasserstein(found, wanted) / wanted.covariance.trace().item() ** 0.5
        for seed in (1, 2, 3, 4, 5)
        for found, wanted in zip(layer_statistics(image, seed), layer_statistics(style, seed), strict=True)
    ]
    assert len(parts) == 15
    assert style_distance(image, style) == pytest.approx(sum(parts) / 15)


def test_controls_are_in_order(pictures: dict[str, Tensor]) -> None:
    reference = StyleReference(pictures["style"])
    found = {name: reference.distance(image) for name, image in pictures.items()}
    assert found["style"] < found["sample"] < found["stylized"] < found["recolored"] < found["photo"]
    assert found["sample"] < 0.1
    assert found["shuffled"] > 3.0 * found["stylized"]


def test_copied_colors_bring_no_texture(pictures: dict[str, Tensor]) -> None:
    reference = StyleReference(pictures["style"])
    photo, recolored = reference.texture_distance(pictures["photo"]), reference.texture_distance(pictures["recolored"])
    assert recolored == pytest.approx(photo, rel=0.25)
    assert reference.texture_distance(pictures["stylized"]) < 0.5 * recolored
    assert reference.texture_distance(pictures["shuffled"]) > 0.5 * recolored


def test_texture_ignores_brightness_and_contrast_of_channels(pictures: dict[str, Tensor]) -> None:
    gain = torch.tensor([0.5, 0.7, 0.9]).view(1, 3, 1, 1)
    offset = torch.tensor([0.1, 0.2, 0.0]).view(1, 3, 1, 1)
    reference = StyleReference(pictures["style"])
    plain = reference.texture_distance(pictures["stylized"])
    assert reference.texture_distance(pictures["stylized"] * gain + offset) == pytest.approx(plain, rel=1e-4)
    assert reference.distance(pictures["stylized"] * gain + offset) > 1.5 * reference.distance(pictures["stylized"])


@pytest.mark.parametrize("name", ["stylized", "recolored", "photo"])
def test_hardly_moved_by_a_shift_or_by_jpeg(pictures: dict[str, Tensor], name: str) -> None:
    image, reference = pictures[name], StyleReference(pictures["style"])
    plain = reference.distance(image)
    assert reference.distance(image.roll((8, -8), dims=(2, 3))) == pytest.approx(plain, rel=0.02)
    assert reference.distance(_jpeg(image, 75)) == pytest.approx(plain, rel=0.10)


def test_flat_pictures_have_a_finite_distance(pictures: dict[str, Tensor]) -> None:
    flat = torch.full((1, 3, 32, 32), 0.5)
    for image, style in ((flat, pictures["style"]), (pictures["style"], flat), (flat, flat)):
        assert math.isfinite(style_distance(image, style))
        assert math.isfinite(texture_distance(image, style))


def test_sizes_may_differ_and_size_hardly_matters(pictures: dict[str, Tensor]) -> None:
    assert style_distance(pictures["sample"][..., :96, :128], pictures["style"]) < 0.2
