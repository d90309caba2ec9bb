"""Everything that is random in a training, derived from one seed: order, crops, and what each step draws.

Nothing of it is state. So a training that was killed within an epoch goes on as if it had not been, decoding processes
may be many or none, several devices see together what one would see, and a monitor that draws numbers disturbs nothing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from rnst.errors import RnstError

Sample = tuple[Tensor, int]

_BYTES_OF_SEED = 7  # a seed of torch has 63 bits


class OtherTrainingError(RnstError):
    """A checkpoint from within an epoch does not belong to this order of photos."""

    def __init__(self) -> None:
        super().__init__(
            "the checkpoint was made within an epoch, with another seed, batch size or number of devices; "
            "resume with those of the first start"
        )


def derived_seed(*numbers: int) -> int:
    """A seed that follows from `numbers`, and has nothing to do with that of other numbers."""
    text = " ".join(map(str, numbers)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=_BYTES_OF_SEED).digest())


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's CPU generator as `seed` says, then put the generator back."""
    generator = torch.default_generator
    state = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(state)


def shuffled(length: int, seed: int) -> Tensor:
    """The numbers from 0 to `length` - 1 in an order that follows from `seed`, (length,)."""
    with seeded(seed):
        return torch.randperm(length)


def balanced_order(labels: Sequence[int], seed: int) -> Tensor:
    """As many numbers of photos as there are, drawn with replacement so that every class comes equally often, (N,).

    Args:
        labels: class number of each photo.
        seed: what the draw follows from.
    """
    numbers = torch.tensor(labels)
    rarities = 1.0 / torch.bincount(numbers)[numbers].double()
    with seeded(seed):
        return torch.multinomial(rarities, len(numbers), replacement=True)


class EpochPhotos(Dataset[Sample]):
    """The photos of one epoch, in their order, each cut in its own random way.

    Args:
        photos: all photos; what they draw comes from torch's CPU generator.
        order: (N,) which photo comes when; photos may be left out or come twice.
        seed: another one for every epoch.
    """

    def __init__(self, photos: Dataset[Sample], order: Tensor, seed: int) -> None:
        self.photos = photos
        self.order = order
        self.seed = seed

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, position: int) -> Sample:
        """The photo at `position` of the epoch and its label."""
        with seeded(derived_seed(self.seed, position)):
            return self.photos[int(self.order[position])]


class ShardSampler(DistributedSampler[int]):
    """The positions that fall to one of several devices: every `ranks`-th.

    The devices' batches together are then the batch that one device would see. It is a DistributedSampler because
    Lightning leaves those as they are.

    Args:
        length: positions in all.
        rank: number of this device.
        ranks: how many there are.
        even: leave out the last few, so that all devices get equally many (each must take part in every step).
    """

    def __init__(self, length: int, rank: int = 0, ranks: int = 1, *, even: bool = False) -> None:
        super().__init__(range(length), num_replicas=ranks, rank=rank, shuffle=False)  # type: ignore[arg-type]
        self._positions = range(rank, length - length % ranks if even else length, ranks)
        self.first = 0  # how many of them to pass over

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[int]:
        return iter(self._positions[self.first :])


class EpochLoader(DataLoader[Sample]):
    """Batches of an epoch; it can go on behind those that were given before a training was stopped.

    Before it gives a batch it seeds torch, so that what the step draws (the start of an attack, dropout) follows from
    the number of the batch.

    Args:
        dataset: the epoch.
        share: positions of this device.
        options: of a DataLoader.
    """

    def __init__(self, dataset: EpochPhotos, share: ShardSampler, **options: Any) -> None:
        super().__init__(dataset, sampler=share, drop_last=True, **options)
        self._epoch, self._share = dataset, share
        self._before = 0
        self._given = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override] # a generator counts what is taken
        self._given = self._before
        for batch in super().__iter__():
            torch.manual_seed(derived_seed(self._epoch.seed, self._share.rank, self._given))
            self._given += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """What Lightning keeps in a checkpoint."""
        return {"given": self._given, **self._identity()}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on behind the batches that `state` counts.

        Raises:
            OtherTrainingError: they were batches of another order.
        """
        if self._identity().items() - state.items():
            raise OtherTrainingError
        self._before = state["given"]
        self._share.first = self._before * (self.batch_size or 1)

    def go_on_within(self, state: dict[str, int]) -> None:
        """Go on behind the batches that `state` counts, if they were the first ones of this very epoch."""
        if not self._identity().items() - state.items() and state["given"] < len(self):
            self.load_state_dict(state)

    def _identity(self) -> dict[str, int]:
        return {"seed": self._epoch.seed, "batch_size": self.batch_size or 1, "ranks": self._share.num_replicas}
