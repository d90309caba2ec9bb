import pytest
import torch
from torch import Tensor

from rnst.losses.perceptual import GramLoss
from rnst.losses.regions import RegionalLoss
from rnst.losses.statistics import Moments, blend, moments
from tests.losses.added import added


def _features(height: int = 6, width: int = 8) -> Tensor:
    return torch.randn(1, 3, height, width, dtype=torch.float64)


def _halves(height: int = 6, width: int = 8) -> tuple[Tensor, Tensor]:
    left = torch.zeros(1, 1, height, width)
    left[..., : width // 2] = 1.0
    return left, 1.0 - left


def test_weighted_moments_are_those_of_repeated_positions() -> None:
    features = _features(1, 4)
    weights = torch.tensor([0.0, 1.0, 2.0, 3.0]).view(1, 1, 1, 4)
    repeated = features[..., [1, 2, 2, 3, 3, 3]]
    found, expected = moments(features, weights), moments(repeated)
    assert float(found.count) == expected.count
    torch.testing.assert_close(found.total, expected.total)
    torch.testing.assert_close(found.outer, expected.outer)


def test_blend__a_mixture_in_which_each_part_has_its_share() -> None:
    small, large = _features(2, 2), _features(4, 5)
    mixture = torch.cat([*[small.flatten(2)] * 10, large.flatten(2)], dim=2).unsqueeze(2)  # 40 to 20 positions
    found = blend([moments(small), moments(large)], [2.0, 1.0])
    torch.testing.assert_close(found.gram, moments(mixture).gram)
    torch.testing.assert_close(found.total / found.count, mixture.mean((0, 2, 3)))


def test_blend__of_one_is_its_mean() -> None:
    features = _features()
    torch.testing.assert_close(blend([moments(features)], [7.0]).gram, moments(features).gram)


def test_one_region_that_is_everything_is_the_plain_loss() -> None:
    target, features = _features(), _features()
    plain = GramLoss(target)
    torch.testing.assert_close(RegionalLoss([plain], [torch.ones(1, 1, 6, 8)])(features), plain(features))


def test_each_region_counts_by_its_share_and_sees_only_itself() -> None:
    features, targets = _features(), [_features(), _features()]
    left, right = _halves()
    losses = [GramLoss(target) for target in targets]
    parts = [losses[0](features[..., :4]), losses[1](features[..., 4:])]
    found = RegionalLoss(losses, [left, right])(features)
    torch.testing.assert_close(found, (parts[0] + parts[1]) / 2)


def test_nothing_pulls_where_there_is_no_style() -> None:
    features = _features().requires_grad_()
    left, _ = _halves()
    RegionalLoss([GramLoss(_features())], [left])(features).backward()
    assert features.grad is not None
    assert features.grad[..., :4].abs().min() > 0
    assert features.grad[..., 4:].abs().max() == 0


def test_a_region_lost_at_this_resolution_is_left_out() -> None:
    features = _features().requires_grad_()
    loss = RegionalLoss(
        [GramLoss(_features()), GramLoss(_features())], [torch.zeros(1, 1, 6, 8), torch.ones(1, 1, 6, 8)]
    )
    distance = loss(features)
    distance.backward()
    assert torch.isfinite(distance)
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()


def test_tiles_add_up_to_the_whole() -> None:
    features = _features()
    loss = RegionalLoss(
        [GramLoss(_features()), GramLoss(_features())], [torch.rand(1, 1, 6, 8), torch.rand(1, 1, 6, 8)]
    )
    windows = [(slice(0, 6), slice(0, 3)), (slice(0, 6), slice(3, 8))]
    first, second = (loss.statistics(features[(..., *window)], window) for window in windows)
    torch.testing.assert_close(loss.distance(added(first, second)), loss(features))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_half_precision_is_summed_in_single(dtype: torch.dtype) -> None:
    found = moments(_features().to(dtype), torch.rand(1, 1, 6, 8))
    assert isinstance(found, Moments)
    assert found.outer.dtype == torch.float32
