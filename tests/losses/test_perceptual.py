from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from rnst.losses.perceptual import ContentLoss, GramLoss
from tests.losses.added import added

_LOSSES = [GramLoss, ContentLoss]
Loss = Callable[[Tensor], nn.Module]
Array = npt.NDArray[np.float64]


def _features(height: int = 6, width: int = 7, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(1, 5, height, width, dtype=dtype).relu()


def _gram(features: Tensor) -> Array:
    columns = features.double().numpy().reshape(features.shape[1], -1)
    gram: Array = columns @ columns.T / columns.shape[1]
    return gram


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=str)
def test_gram__closed_form(dtype: torch.dtype, tolerance: float) -> None:
    target, features = _features(dtype=dtype), _features(9, 4, dtype)
    wanted, found = _gram(target), _gram(features)
    expected = ((found - wanted) ** 2).sum() / (wanted**2).sum()
    assert GramLoss(target)(features).item() == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=str)
def test_content__closed_form(dtype: torch.dtype, tolerance: float) -> None:
    target, features = _features(dtype=dtype), _features(dtype=dtype)
    wanted, found = target.double().numpy(), features.double().numpy()
    expected = ((found - wanted) ** 2).sum() / (wanted**2).sum()
    assert ContentLoss(target)(features).item() == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("loss", _LOSSES)
def test_zero_at_the_target_and_one_at_black(loss: Loss) -> None:
    target = _features()
    assert loss(target)(target).item() == 0.0
    assert loss(target)(torch.zeros_like(target)).item() == pytest.approx(1.0)


@pytest.mark.parametrize("loss", _LOSSES)
@pytest.mark.parametrize("factor", [1e-3, 0.5, 1e3])
def test_scale_free(loss: Loss, factor: float) -> None:
    target, features = _features(), _features()
    torch.testing.assert_close(loss(factor * target)(factor * features), loss(target)(features))


@pytest.mark.parametrize("loss", _LOSSES)
def test_gradient(loss: Loss) -> None:
    features = torch.randn(1, 5, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss(_features(3, 4)), [features])


@pytest.mark.parametrize("loss", _LOSSES)
def test_a_black_target_gives_a_finite_loss(loss: Loss) -> None:
    black = torch.zeros(1, 2, 3, 3)
    assert loss(black)(black).item() == 0.0


def test_statistics__halves_add_up() -> None:
    style = GramLoss(_features())
    features = _features(8, 6)
    halves = added(style.statistics(features[..., :3, :]), style.statistics(features[..., 3:, :]))
    torch.testing.assert_close(style.distance(halves), style(features))


def test_gram__size_of_the_pictures_does_not_matter() -> None:
    target = _features()
    repeated = target.repeat(1, 1, 2, 3)
    assert GramLoss(repeated)(target).item() == pytest.approx(0.0, abs=1e-24)


@pytest.mark.parametrize("loss", _LOSSES)
def test_target_is_fixed_at_construction(loss: Loss) -> None:
    target = torch.rand(1, 3, 4, 4, requires_grad=True)
    features, module = torch.rand(1, 3, 4, 4), loss(target)
    before = module(features).item()
    with torch.no_grad():
        target.zero_()
    assert module(features).item() == before
    assert not any(buffer.requires_grad for buffer in module.buffers())
    assert not module.state_dict(), "targets are no weights"


@pytest.mark.parametrize("loss", _LOSSES)
def test_autocast__losses_in_float32(loss: Loss) -> None:
    target, features = _features(dtype=torch.float32), _features(dtype=torch.float32)
    expected = loss(target)(features)
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(target)(features)
        assert loss(target.bfloat16())(features.bfloat16()).dtype == torch.float32
    assert torch.equal(found, expected)
