"""One photo that an evaluation attacked, for people to look at."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class AttackSample:
    """A photo before and after the attack, and what the network took them for.

    Attributes:
        photo: (1, 3, H, W) in [0, 1], on the CPU.
        adversarial: the same after the attack.
        name: the class it belongs to.
        seen: class of the network's answer to the photo.
        seen_attacked: class of its answer to the adversarial photo.
    """

    photo: Tensor
    adversarial: Tensor
    name: str
    seen: str
    seen_attacked: str
