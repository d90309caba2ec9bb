"""Photos that cannot be read: skipped and listed up to a limit, wherever they are decoded."""

from collections.abc import Sequence

import torch

from rnst.errors import RnstError, WorkerError, counted

_NAMED = 5  # photos that a report names; the others are counted
BROKEN = -1
"""Label of the sample in the place of a photo that is left out of a batch."""


class BrokenPhotos:
    """The unreadable photos of one split, known to the main process and to all workers.

    Args:
        most: number of photos that may be unreadable.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found = torch.full((most,), BROKEN).share_memory_()

    def note(self, index: int, error: RnstError) -> None:
        """Remember a photo.

        Raises:
            WorkerError: there are more than the limit.
        """
        while not bool((self._found == index).any()):
            free = (self._found == BROKEN).nonzero()
            if not len(free):
                limit = f"; {self._most} skipped before, as skip_broken allows" if self._most else ""
                raise WorkerError(f"{error}{limit}")
            self._found[free[0]] = index  # looked at again, as another process may have taken the same place

    @property
    def indices(self) -> list[int]:
        """Photos found so far, sorted."""
        found: list[int] = self._found[self._found != BROKEN].tolist()
        return sorted(found)


def report_of(split: str, names: Sequence[str]) -> str:
    """A line about skipped photos."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    count = counted(len(names), f"{split} photo")
    return f"skipped {count} that cannot be read: {', '.join(names[:_NAMED])}{more}"
