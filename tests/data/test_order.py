from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from rnst.data.order import (
    EpochLoader,
    EpochPhotos,
    FixedViews,
    OtherTrainingError,
    ShardSampler,
    balanced_order,
    derived_seed,
    seeded,
    shuffled,
)


class _Noise(Dataset[tuple[Tensor, int]]):
    """Photos that are drawn anew whenever they are read."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.rand(2), index


def _loader(seed: int = 1, length: int = 22, batch_size: int = 4, **options: Any) -> EpochLoader:
    ranks = options.pop("ranks", 1)
    epoch = EpochPhotos(_Noise(), shuffled(length, seed), seed)
    return EpochLoader(epoch, ShardSampler(length, 0, ranks, even=True), batch_size=batch_size, **options)


def _drawn(loader: EpochLoader) -> list[tuple[list[int], float, float]]:
    """Of each batch: its labels, what its photos drew, what a step draws."""
    return [(labels.tolist(), images.sum().item(), torch.rand(1).item()) for images, labels in loader]


def test_derived_seed() -> None:
    seeds = [derived_seed(*numbers) for numbers in ((0,), (1,), (1, 0), (0, 1), (10,), (1, 0, 0))]
    assert len(set(seeds)) == len(seeds)
    assert derived_seed(1, 0) == derived_seed(1, 0)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeded__the_generator_goes_on_as_if_nothing_had_been() -> None:
    torch.manual_seed(4)
    expected = torch.rand(2)
    torch.manual_seed(4)
    with seeded(9):
        first = torch.rand(1)
    with pytest.raises(RuntimeError, match="inside"), seeded(9):
        raise RuntimeError("inside")
    assert torch.equal(torch.rand(2), expected)
    with seeded(9):
        assert torch.equal(torch.rand(1), first)


def test_fixed_views__recur_and_have_keys_of_their_own() -> None:
    crops: dict[int, float] = {}
    for epoch in range(6):
        photos = EpochPhotos(_Noise(), shuffled(5, epoch), epoch, FixedViews(3, epoch % 3, seed=2))
        for position in range(5):
            image, label, key = photos[position]  # type: ignore[misc] # three items with views
            assert key == 3 * label + epoch % 3
            assert crops.setdefault(key, image.sum().item()) == image.sum().item()
    assert len(set(crops.values())) == len(crops) == 15


def test_every_photo_of_an_epoch_is_cut_in_its_own_way() -> None:
    """One seed for all of them would give all photos the same crop and the same flip."""
    epoch = EpochPhotos(_Noise(), shuffled(22, 1), seed=1)
    drawn = {tuple(epoch[position][0].tolist()) for position in range(22)}
    assert len(drawn) == 22
    assert torch.equal(epoch[3][0], epoch[3][0]), "and always in that way"


def test_an_epoch_is_a_permutation_and_drops_the_rest() -> None:
    labels = [label for labels, _, _ in _drawn(_loader()) for label in labels]
    assert len(labels) == len(set(labels)) == 20
    assert labels != sorted(labels)
    assert len(_loader()) == 5


def test_whatever_happened_before_an_epoch_draws_the_same() -> None:
    first = _drawn(_loader())
    torch.rand(7)
    assert _drawn(_loader()) == first
    assert _drawn(_loader(seed=2)) != first
    assert len({draw for _, _, draw in first}) == 5, "each step draws its own"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stopped", [1, 3, 5])
def test_an_epoch_goes_on_behind_the_batches_that_were_given(stopped: int, workers: int) -> None:
    whole = _drawn(_loader())
    loader, begun = _loader(num_workers=workers), []
    for images, labels in loader:
        begun.append((labels.tolist(), images.sum().item(), torch.rand(1).item()))
        if len(begun) == stopped:
            break
    resumed = _loader(num_workers=2 - workers)
    resumed.load_state_dict(loader.state_dict())
    assert len(resumed) == 5, "Lightning counts from the beginning of the epoch"
    assert begun + _drawn(resumed) == whole
    assert resumed.state_dict()["given"] == 5


@pytest.mark.parametrize("other", [{"seed": 2}, {"batch_size": 5}, {"ranks": 2}])
def test_a_checkpoint_of_another_order_is_refused(other: dict[str, Any]) -> None:
    loader = _loader()
    next(iter(loader))
    with pytest.raises(OtherTrainingError, match="seed, batch size or number of devices"):
        _loader(**other).load_state_dict(loader.state_dict())


def test_shares__are_disjoint_and_complete() -> None:
    shares = [list(ShardSampler(11, rank, 3)) for rank in range(3)]
    assert sorted(position for share in shares for position in share) == list(range(11))
    even = [list(ShardSampler(11, rank, 3, even=True)) for rank in range(3)]
    assert [len(share) for share in even] == [3, 3, 3]


def test_balanced_order__every_class_equally_often() -> None:
    labels = [0] * 90 + [1] * 9 + [3]
    orders = [balanced_order(labels, seed) for seed in range(40)]
    drawn = torch.tensor(labels)[torch.cat(orders)]
    assert all(len(order) == 100 for order in orders), "an epoch is as long as before"
    shares = torch.bincount(drawn, minlength=4) / len(drawn)
    assert torch.allclose(shares, torch.tensor([1 / 3, 1 / 3, 0.0, 1 / 3]), atol=0.04)


def test_balanced_order__follows_from_the_seed_alone() -> None:
    first, again, other = (balanced_order([0, 1, 1, 1] * 9, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
