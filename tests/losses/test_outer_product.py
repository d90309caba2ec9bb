import pytest
import torch
from torch import Tensor

from rnst.losses import outer_product
from rnst.losses.outer_product import sums_over_positions


def _plain(positions: Tensor) -> Tensor:
    return positions.T @ positions


def _gradient(product: Tensor, positions: Tensor, weights: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad((weights * product).sum(), positions)
    return gradient


@pytest.fixture(params=[8, 2**21], ids=["in parts", "at once"], autouse=True)
def _size_of_a_part(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outer_product, "_NUMBERS_AT_A_TIME", request.param)


def test_equals_the_product_and_its_gradient() -> None:
    positions = torch.randn(13, 5, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, 5, dtype=torch.float64)  # not symmetric
    (total, found), expected = sums_over_positions(positions), _plain(positions)
    assert found.dtype == total.dtype == torch.float64
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(total, positions.sum(0))
    torch.testing.assert_close(_gradient(found, positions, weights), _gradient(expected, positions, weights))


def test_gradient_by_differences() -> None:
    assert torch.autograd.gradcheck(sums_over_positions, torch.randn(4, 3, dtype=torch.float64, requires_grad=True))


def test_bfloat16__summed_in_float32() -> None:
    positions = torch.rand(3000, 4).bfloat16().requires_grad_()
    total, found = sums_over_positions(positions)
    assert found.dtype == total.dtype == torch.float32
    torch.testing.assert_close(found.double(), _plain(positions.double()), rtol=1e-5, atol=0.0)
    found.sum().backward()
    assert positions.grad is not None
    assert positions.grad.dtype == torch.bfloat16


def test_gradient_keeps_the_layout_of_the_features() -> None:
    features = torch.rand(1, 4, 6, 5).to(memory_format=torch.channels_last).requires_grad_()
    _, product = sums_over_positions(features.squeeze(0).permute(1, 2, 0).flatten(0, 1))
    assert _gradient(product, features, torch.rand(4, 4)).is_contiguous(memory_format=torch.channels_last)


def test_gradient_waits_for_the_way_back_of_the_network() -> None:
    arrived: list[str] = []

    def noting(name: str, features: Tensor) -> Tensor:
        features.register_hook(lambda _gradient: arrived.append(name))
        return features

    first = noting("first", torch.rand(1, 3, 6, 5, requires_grad=True) * 2)
    second = noting("second", first * 3)
    positions = first.squeeze(0).permute(1, 2, 0)[:4].flatten(0, 1)
    noting("sums", positions)
    _, outer = sums_over_positions(positions)
    (second.sum() + outer.sum()).backward()
    assert arrived == ["second", "sums", "first"]
