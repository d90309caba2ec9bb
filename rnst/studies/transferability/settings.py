"""Settings of the transferability study."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rnst.errors import InvalidValueError
from rnst.ranges import (
    NonNegativeFloat,
    NonNegativeInt,
    PhotoSide,
    PositiveFloat,
    PositiveInt,
    ProperShare,
    Seed,
    check_ranges,
)
from rnst.reporting.trackers import WANDB, chosen_trackers

# Settings that may differ when a stopped experiment resumes, because they do not change its results. The folder of the
# data may have been moved; the photos themselves are compared.
_FREE = {"data", "batch_size_attack", "accelerator", "output", "tracking"}


@dataclass(frozen=True)
class TransferabilitySettings:
    """Settings of the transferability study.

    Args:
        data: folder that holds train and val with one folder for each class; for CIFAR-10 the folder of its archive.
        architectures: networks to compare; torchvision's names, with the ending _32px for small pictures, or tiny ones.
        source: architecture of the attacked network; a second network of it is trained independently in any case.
        dataset: how the photos are stored: folders, or cifar10.
        image_size: side of the photos in pixels, at which radii are stated.
        train_photos: number of training photos, evenly spread over the classes; 0 means all.
        test_photos: number of photos of val; 0 means all.
        heldout: share of the training photos that selects learning rates; no network is trained on them.
        radius: L2 radius of the attack on the training photos.
        step_size: step size of that attack.
        steps: steps of that attack.
        transfer_radii: L2 radii of the attacks on test photos whose transfer is measured; the first one is drawn.
            none: the radius of the training and twice that.
        transfer_steps: steps of these attacks, each 2.5 radii over their number long.
        learning_rates: rates to try for each network; the best on the held-out photos of its own set is kept.
            none: 0.1 and 0.01.
        epochs: epochs of each training.
        batch_size: batch size of each training.
        weight_decay: weight decay of each training.
        augment: random crops and flips also on changed photos; clean photos always have them.
        batch_size_attack: photos that are attacked together.
        accelerator: device: auto, cpu, gpu, mps.
        output: folder for networks, sets, figure and table; a stopped experiment resumes there.
        seed: seed of all randomness.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
    """

    data: Path
    architectures: list[str]
    source: str
    dataset: Literal["folders", "cifar10"] = "folders"
    image_size: PhotoSide = 32
    train_photos: NonNegativeInt = 0
    test_photos: NonNegativeInt = 0
    heldout: ProperShare = 0.1
    radius: PositiveFloat = 0.5
    step_size: PositiveFloat = 0.1
    steps: PositiveInt = 100
    transfer_radii: list[PositiveFloat] | None = None
    transfer_steps: PositiveInt = 50
    learning_rates: list[PositiveFloat] | None = None
    epochs: PositiveInt = 60
    batch_size: PositiveInt = 128
    weight_decay: NonNegativeFloat = 5e-4
    augment: bool = False
    batch_size_attack: PositiveInt = 500
    accelerator: str = "auto"
    output: Path = Path("outputs/transferability")
    seed: Seed = 0
    tracking: str = WANDB

    def __post_init__(self) -> None:
        """Validate the settings without opening files."""
        if not self.architectures or len(set(self.architectures)) < len(self.architectures):
            raise InvalidValueError("--architectures", self.architectures, "at least one, each once")
        check_ranges(self)
        chosen_trackers(self.tracking)

    @property
    def radii(self) -> tuple[float, ...]:
        """Radii of the attacks whose transfer is measured."""
        return tuple(self.transfer_radii or (self.radius, 2 * self.radius))

    @property
    def rates(self) -> tuple[float, ...]:
        """Learning rates to try."""
        return tuple(self.learning_rates or (0.1, 0.01))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the report and the tracker."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    def that_matter(self) -> dict[str, Any]:
        """Settings that must stay the same when a stopped experiment resumes."""
        return {name: value for name, value in self.as_dict().items() if name not in _FREE}
