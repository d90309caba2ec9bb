"""One attacked photo of an evaluation, for display."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class AttackSample:
    """A photo before and after the attack, with the classes predicted for both.

    Attributes:
        photo: (1, 3, H, W) in [0, 1], on the CPU.
        adversarial: the same photo after the attack.
        name: its true class.
        seen: class predicted for the photo.
        seen_attacked: class predicted for the adversarial photo.
    """

    photo: Tensor
    adversarial: Tensor
    name: str
    seen: str
    seen_attacked: str
