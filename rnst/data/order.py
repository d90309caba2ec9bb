"""All randomness of a training, derived from one seed: the order of photos, crops, and the draws of each step.

None of it is state. A training that was killed within an epoch therefore resumes as if it had never stopped. The number
of worker processes changes nothing, several devices process together what one device would, and a monitor that draws
random numbers does not change the training.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from rnst.errors import RnstError

Sample = tuple[Tensor, int] | tuple[Tensor, int, int]

_BYTES_OF_SEED = 7  # a torch seed has 63 bits
_MOST_CROPS = 2**40  # of all photos, so that their numbers and sizes fit in the 63 bits of a key


class OtherTrainingError(RnstError):
    """A checkpoint from within an epoch was made with another order of photos."""

    def __init__(self) -> None:
        super().__init__(
            "the checkpoint was made within an epoch, with another seed, batch size or number of devices; "
            "resume with those of the first start"
        )


def derived_seed(*numbers: int) -> int:
    """A seed determined by `numbers` and independent of the seeds of other numbers."""
    text = " ".join(map(str, numbers)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=_BYTES_OF_SEED).digest())


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's CPU generator inside the block, then restore its state."""
    generator = torch.default_generator
    state = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(state)


def shuffled(length: int, seed: int) -> Tensor:
    """A permutation of 0 to `length` - 1 determined by `seed`, (length,)."""
    with seeded(seed):
        return torch.randperm(length)


def balanced_order(labels: Sequence[int], seed: int) -> Tensor:
    """N indices of N photos, (N,), drawn with replacement so that every class occurs equally often.

    Args:
        labels: class number of each photo.
        seed: determines the draw.
    """
    numbers = torch.tensor(labels)
    rarities = 1.0 / torch.bincount(numbers)[numbers].double()
    with seeded(seed):
        return torch.multinomial(rarities, len(numbers), replacement=True)


@dataclass(frozen=True)
class FixedViews:
    """A few random crops of each photo that recur, so that what a teacher states about one can be kept.

    Attributes:
        count: number of crops of each photo.
        current: the crop of this epoch, 0 to `count` - 1.
        seed: determines the crops; the same in every epoch.
        size: side of the crops in pixels, if crops of different sizes show different parts of a photo; otherwise 0.
    """

    count: int
    current: int
    seed: int
    size: int = 0

    def key(self, photo: int) -> int:
        """A number for this epoch's crop of a photo, different for every part of every photo that a crop shows."""
        return self.size * _MOST_CROPS + photo * self.count + self.current


class EpochPhotos(Dataset[Sample]):
    """The photos of one epoch in their order, each with its own random crop.

    Args:
        photos: all photos; their augmentation draws from torch's CPU generator.
        order: (N,) index of the photo at each position; photos may be left out or repeated.
        seed: different for every epoch.
        views: crops to choose from, whose key is then the third item of a sample. None: new crops in every epoch.
    """

    def __init__(
        self, photos: Dataset[tuple[Tensor, int]], order: Tensor, seed: int, views: FixedViews | None = None
    ) -> None:
        self.photos = photos
        self.order = order
        self.seed = seed
        self.views = views

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, position: int) -> Sample:
        """The photo at `position` of the epoch, its label, and with fixed views the key of its crop."""
        photo = int(self.order[position])
        if self.views is None:
            with seeded(derived_seed(self.seed, position)):
                return self.photos[photo]
        key = self.views.key(photo)
        with seeded(derived_seed(self.views.seed, key)):
            return *self.photos[photo], key


class ShardSampler(DistributedSampler[int]):
    """The positions of one of several devices: every `ranks`-th.

    The batches of all devices together are then the batch that one device would process. The class derives from
    DistributedSampler because Lightning does not replace such samplers.

    Args:
        length: number of positions.
        rank: number of this device.
        ranks: number of devices.
        even: drop the last few positions, so that all devices get equally many (each must take part in every step).
    """

    def __init__(self, length: int, rank: int = 0, ranks: int = 1, *, even: bool = False) -> None:
        super().__init__(range(length), num_replicas=ranks, rank=rank, shuffle=False)  # type: ignore[arg-type]
        self._positions = range(rank, length - length % ranks if even else length, ranks)
        self.first = 0  # positions to skip

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[int]:
        return iter(self._positions[self.first :])


class EpochLoader(DataLoader[Sample]):
    """Batches of an epoch; iteration can resume after the batches that an interrupted training has already used.

    Torch is seeded before each batch, so that the draws of a step (the start of an attack, dropout) depend on the
    number of the batch alone.

    Args:
        dataset: the epoch.
        share: positions of this device.
        options: options of a DataLoader.
    """

    def __init__(self, dataset: EpochPhotos, share: ShardSampler, **options: Any) -> None:
        super().__init__(dataset, sampler=share, drop_last=True, **options)
        self._epoch, self._share = dataset, share
        self._before = 0
        self._given = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override] # a generator counts the batches taken
        self._given = self._before
        for batch in super().__iter__():
            torch.manual_seed(derived_seed(self._epoch.seed, self._share.rank, self._given))
            self._given += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """The state that Lightning stores in a checkpoint."""
        return {"given": self._given, **self._identity()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Resume after the batches that `state` counts.

        Raises:
            OtherTrainingError: these batches belong to another order of photos.
        """
        if self._identity().items() - state.items():
            raise OtherTrainingError
        self._before = state["given"]
        self._share.first = self._before * (self.batch_size or 1)

    def go_on_within(self, state: dict[str, int]) -> None:
        """Resume after the batches that `state` counts, if `state` belongs to this epoch."""
        if not self._identity().items() - state.items() and state["given"] < len(self):
            self.load_state_dict(state)

    def _identity(self) -> dict[str, int]:
        return {"seed": self._epoch.seed, "batch_size": self.batch_size or 1, "ranks": self._share.num_replicas}
