"""The mean of the pictures that an optimizer passes through."""

from typing import Any

from torch import Tensor

_FORGETTING = 8


class RunningMean:
    """Exponential mean that forgets where it began.

    Adam jumps around the picture that it looks for; the mean of its jumps has less grain than any of them. A run of
    fewer steps than an exponential mean remembers would end with the way it came: its early pictures fade as a power of
    the number of steps instead (polynomial-decay averaging, Shamir and Zhang 2013, section 4), so that the mean is over
    about the last ninth, until that is as long as what `decay` remembers.

    Args:
        decay: share that the old keeps when a picture is added, in [0, 1); 0.99 is about the last hundred.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._count = 0
        self.picture: Tensor | None = None

    def add(self, picture: Tensor) -> Tensor:
        """Take in one more picture; returns the mean."""
        self._count += 1
        if self.picture is None:
            self.picture = picture.detach().clone()
        else:
            share = max(1.0 - self._decay, (_FORGETTING + 1) / (_FORGETTING + self._count))
            self.picture = self.picture + share * (picture.detach() - self.picture)
        return self.picture

    def begin_anew(self) -> None:
        """Forget all pictures."""
        self._count, self.picture = 0, None

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {"count": self._count, "picture": self.picture}

    def restore(self, state: dict[str, Any], like: Tensor) -> None:
        """Go on from `state`, on the device of `like`."""
        self._count, picture = state["count"], state["picture"]
        self.picture = None if picture is None else picture.to(like.device)
