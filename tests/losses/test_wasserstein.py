import numpy as np
import pytest
import torch
from torch import Tensor

from rnst.losses import wasserstein
from rnst.losses.regions import RegionalLoss
from rnst.losses.wasserstein import WassersteinLoss
from tests.losses.added import added


def _features(channels: int = 5, side: int = 12, *, dtype: torch.dtype = torch.float64) -> Tensor:
    mixing = torch.randn(channels, channels, dtype=dtype)
    columns = mixing @ torch.randn(channels, side * side, dtype=dtype) + torch.randn(channels, 1, dtype=dtype)
    return columns.view(1, channels, side, side)


def _oracle(one: Tensor, other: Tensor) -> float:
    """By the square root of the product of covariances, which need not be symmetric (SciPy-free)."""
    means, covariances = [], []
    for features in (one, other):
        columns = features.squeeze(0).flatten(1).numpy()
        means.append(columns.mean(1))
        covariances.append(np.cov(columns, bias=True))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0))
    distance = ((means[0] - means[1]) ** 2).sum() + sum(np.trace(c) for c in covariances) - 2 * roots.sum()
    return float(distance / ((means[0] ** 2).sum() + np.trace(covariances[0])))


def test_closed_form() -> None:
    target, features = _features(), _features(side=9)
    assert WassersteinLoss(target)(features).item() == pytest.approx(_oracle(target, features), rel=1e-3)


def test_many_directions__a_lower_bound_that_is_near_and_flat_at_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    falling = torch.logspace(0, -2, 300, dtype=torch.float64).view(1, -1, 1, 1)
    target, features = (falling * torch.randn(1, 300, 25, 25, dtype=torch.float64) for _ in range(2))
    cut = WassersteinLoss(target)
    own = target.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cut(own), own)
    monkeypatch.setattr(wasserstein, "_EXACT", 300)
    whole = WassersteinLoss(target)
    assert len(cut.variances) == 256
    assert len(whole.variances) == 300
    assert abs(cut(target).item()) < 1e-12
    assert gradient.abs().max() < 1e-12
    for pictures in (features, 2 * features, features + target, torch.zeros_like(target)):
        assert whole(pictures).item() - 0.02 < cut(pictures).item() < whole(pictures).item()


def test_one_feature__difference_of_means_and_of_deviations() -> None:
    target, features = _features(1), _features(1)
    expected = (target.mean() - features.mean()) ** 2 + (target.std(correction=0) - features.std(correction=0)) ** 2
    assert WassersteinLoss(target)(features).item() == pytest.approx(
        (expected / target.square().mean()).item(), abs=0.01
    )


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_scale_free(factor: float) -> None:
    target, features = _features(), _features()
    torch.testing.assert_close(WassersteinLoss(factor * target)(factor * features), WassersteinLoss(target)(features))


def test_one_at_black() -> None:
    target = _features()
    assert WassersteinLoss(target)(torch.zeros_like(target)).item() == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("channels", [4, 40], ids=["full rank", "more channels than positions"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_zero_and_flat_at_the_target(channels: int, dtype: torch.dtype) -> None:
    target = _features(channels, 5, dtype=dtype)
    features = target.clone().requires_grad_()
    loss = WassersteinLoss(target)(features)
    assert abs(loss.item()) < (1e-5 if dtype == torch.float32 else 1e-12)
    (gradient,) = torch.autograd.grad(loss, features)
    assert gradient.abs().max() < 1e-3 * target.abs().max() / target.square().sum() * target.shape[1]


@pytest.mark.parametrize(("channels", "side"), [(4, 3), (12, 3), (12, 2)], ids=str)
def test_gradient__also_of_covariances_without_full_rank(channels: int, side: int) -> None:
    loss = WassersteinLoss(_features(channels, 3))
    features = _features(channels, side).requires_grad_()
    assert torch.autograd.gradcheck(loss, [features], atol=1e-5)


@pytest.mark.parametrize("channels", [3, 64])
def test_gradient__bounded_on_a_flat_picture(channels: int) -> None:
    """Where all features are equal, the covariance is 0, and a square root of it would have an infinite slope."""
    target = _features(channels, 6, dtype=torch.float32)
    flat = torch.ones_like(target).requires_grad_()
    (gradient,) = torch.autograd.grad(WassersteinLoss(target)(flat), flat)
    nearly = (torch.ones_like(target) + 1e-4 * torch.randn_like(target)).requires_grad_()
    (near,) = torch.autograd.grad(WassersteinLoss(target)(nearly), nearly)
    assert gradient.isfinite().all()
    assert near.isfinite().all()
    assert near.norm() < 1e3 * gradient.norm()


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_a_target_without_variance(value: float) -> None:
    flat = torch.full((1, 3, 4, 4), value)
    loss = WassersteinLoss(flat)
    assert loss(flat).item() == pytest.approx(0.0, abs=1e-5)
    moved = (flat + 0.1).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(moved) * loss.norm, moved)
    assert gradient.isfinite().all()


def test_descent__reaches_the_target() -> None:
    """A picture moved along the gradient gets the target's mean and covariance."""
    target = _features(6, 10, dtype=torch.float32)
    loss, features = WassersteinLoss(target), torch.randn(1, 6, 10, 10).requires_grad_()
    before = loss(features).item()
    optimizer = torch.optim.LBFGS([features], max_iter=30, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        distance: Tensor = loss(features)
        distance.backward()
        return distance

    optimizer.step(closure)
    assert loss(features).item() < 1e-3 * before


def test_halves_add_up__and_regions_take_it() -> None:
    loss, features = WassersteinLoss(_features()), _features(side=8)
    halves = added(loss.statistics(features[..., :3]), loss.statistics(features[..., 3:]))
    torch.testing.assert_close(loss.distance(halves), loss(features))
    whole = RegionalLoss([loss], [torch.ones(1, 1, 8, 8)])
    torch.testing.assert_close(whole(features), loss(features))


def test_autocast__float32() -> None:
    target, features = _features(dtype=torch.float32), _features(dtype=torch.float32)
    expected = WassersteinLoss(target)(features)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(WassersteinLoss(target)(features), expected)
        assert WassersteinLoss(target.bfloat16())(features.bfloat16()).dtype == torch.float32


@pytest.mark.slow
def test_many_channels__gradient_of_a_resnet50() -> None:
    features = torch.rand(1, 2048, 12, 16, requires_grad=True)
    loss = WassersteinLoss(torch.rand(1, 2048, 12, 16))(features)
    (gradient,) = torch.autograd.grad(loss, features)
    assert gradient.isfinite().all()
