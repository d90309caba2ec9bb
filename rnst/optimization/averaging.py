"""A running mean of the images along an optimization."""

from typing import Any

from torch import Tensor

_FORGETTING = 8


class RunningMean:
    """Exponential moving average whose first images fade.

    Adam oscillates around the optimum; the mean of its images has less grain than each of them. In a run shorter than
    the memory of an exponential average, the early images would dominate. The first images therefore fade as a power of
    the number of steps (polynomial-decay averaging, Shamir and Zhang 2013, section 4): the mean is over about the last
    ninth of the steps, until the memory of `decay` is shorter.

    Args:
        decay: weight of the old mean when an image is added, in [0, 1); 0.99 averages about the last hundred images.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._count = 0
        self.picture: Tensor | None = None

    def add(self, picture: Tensor) -> Tensor:
        """Add one image and return the mean."""
        self._count += 1
        if self.picture is None:
            self.picture = picture.detach().clone()
        else:
            share = max(1.0 - self._decay, (_FORGETTING + 1) / (_FORGETTING + self._count))
            self.picture = self.picture + share * (picture.detach() - self.picture)
        return self.picture

    def begin_anew(self) -> None:
        """Forget all images."""
        self._count, self.picture = 0, None

    def state(self) -> dict[str, Any]:
        """The state for `restore`."""
        return {"count": self._count, "picture": self.picture}

    def restore(self, state: dict[str, Any], like: Tensor) -> None:
        """Restore a `state`, on the device of `like`."""
        self._count, picture = state["count"], state["picture"]
        self.picture = None if picture is None else picture.to(like.device)
