from typing import Any

import pytest

from rnst.data.batches import evenly


class _Labeled:
    """As many photos as wanted, one after another from two classes."""

    def __init__(self, count: int) -> None:
        self.labels = [number % 2 for number in range(count)]

    def __len__(self) -> int:
        return len(self.labels)


@pytest.mark.parametrize(("of", "count"), [(7, 1), (7, 6), (500, 499), (3925, 200), (50000, 49998)])
def test_evenly__no_photo_twice_and_classes_in_their_proportions(of: int, count: int) -> None:
    photos: Any = _Labeled(of)
    indices = evenly(photos, count).indices
    assert len(set(indices)) == count
    assert abs(sum(photos.labels[index] for index in indices) - count * sum(photos.labels) / of) <= 1


@pytest.mark.parametrize("count", [0, 9, 10])
def test_evenly__all(count: int) -> None:
    photos: Any = _Labeled(9)
    assert list(evenly(photos, count).indices) == list(range(9))
