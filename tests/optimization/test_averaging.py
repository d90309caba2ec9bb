import pytest
import torch

from rnst.optimization.averaging import RunningMean


def test_mean_of_a_constant_is_the_constant() -> None:
    mean, picture = RunningMean(0.99), torch.rand(1, 3, 4, 5)
    for _ in range(50):
        assert torch.equal(mean.add(picture), picture)


def _weights(decay: float, count: int) -> torch.Tensor:
    """How much each of `count` pictures counts, found by one-hot pictures."""
    mean = RunningMean(decay)
    for one in torch.eye(count, dtype=torch.float64):
        mean.add(one)
    assert mean.picture is not None
    return mean.picture


@pytest.mark.parametrize("decay", [0.5, 0.99])
@pytest.mark.parametrize("count", [1, 2, 30, 2000])
def test_mean__newer_pictures_count_more_and_all_add_up_to_one(decay: float, count: int) -> None:
    weights = _weights(decay, count)
    assert weights.sum().item() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert (weights.diff() >= 0).all()


def test_mean__exponential_in_a_long_run() -> None:
    weights = _weights(0.99, 2000)[-500:]
    torch.testing.assert_close(weights[1:] / weights[:-1], torch.full((499,), 1 / 0.99, dtype=torch.float64))


def test_mean__a_short_run_forgets_its_beginning() -> None:
    weights = _weights(0.99, 60)
    assert weights[:30].sum() < 0.01
    assert 6 < 1.0 / weights.square().sum() < 30, "and is a mean of several pictures"


def test_mean__goes_on_from_its_state_and_begins_anew() -> None:
    pictures = torch.rand(6, 1, 3, 4, 5)
    whole, first, second = (RunningMean(0.9) for _ in range(3))
    for picture in pictures:
        whole.add(picture)
    for picture in pictures[:3]:
        first.add(picture)
    second.restore(first.state(), pictures)
    for picture in pictures[3:]:
        second.add(picture)
    assert whole.picture is not None
    assert second.picture is not None
    assert torch.equal(whole.picture, second.picture)
    second.begin_anew()
    assert torch.equal(second.add(pictures[0]), pictures[0])
