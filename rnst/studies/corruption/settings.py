"""Settings of the study of natural robustness."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rnst.corruptions.names import CORRUPTION_NAMES, SEVERITIES, SIZE
from rnst.errors import InvalidValueError, UnknownNameError
from rnst.machine import check_workers
from rnst.ranges import NonNegativeInt, PhotoSide, Pixels, PositiveFloat, PositiveInt, Seed, check_ranges
from rnst.reporting.trackers import WANDB, chosen_trackers

PUBLISHED_ALEXNET = "published_alexnet"


@dataclass(frozen=True)
class CorruptionSettings:
    """Settings of the study of natural robustness.

    Args:
        networks: names that rnst models lists, or weight files; all must have the same classes.
        data: folder that holds val (and train) with one folder for each class.
        reference: network whose errors count as 100, in the list or not; none means the first of the list,
            published_alexnet the errors that the authors of ImageNet-C divide by, which are means of all severities.
        corrupted: folder with corrupted photos, as CORRUPTION/SEVERITY/CLASS/PHOTO; none computes them.
        split: val for photos that the networks were not trained on, train for those that they were.
        corruptions: which of the 15; none means all. mCE is defined for all.
        severities: which of the five.
        photos: number of photos, evenly spread over the classes; 0 means all.
        size: side in pixels at which photos are corrupted; the severities are defined for 224. Each network then
            receives them at its own size.
        image_size: side in pixels of the networks' input; none means that of each one's training, or 224.
        radii: radii of the ball for accuracy under attack, pixels in [0, 1] at each network's own size; an empty list
            runs no attack.
        norm: norm of the ball.
        steps: steps of PGD.
        autoattack: also run AutoAttack.
        attacked_photos: number of attacked photos; 0 means all.
        batch_size: photos of one batch, each in all its versions.
        workers: processes that decode and corrupt.
        precision: precision of the arithmetic.
        accelerator: device: auto, cpu, gpu, mps.
        output: folder to write to.
        seed: seed of all randomness.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
    """

    networks: list[str]
    data: Path
    reference: str | None = None
    corrupted: Path | None = None
    split: Literal["val", "train"] = "val"
    corruptions: list[str] | None = None
    severities: list[int] | None = None
    photos: NonNegativeInt = 1000
    size: Pixels = SIZE
    image_size: PhotoSide | None = None
    radii: list[PositiveFloat] | None = None
    norm: Literal["l2", "linf"] = "l2"
    steps: PositiveInt = 50
    autoattack: bool = False
    attacked_photos: NonNegativeInt = 200
    batch_size: PositiveInt = 2
    workers: int = 2
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = "auto"
    output: Path = Path("outputs/corruption")
    seed: Seed = 0
    tracking: str = WANDB

    def __post_init__(self) -> None:
        """Validate the settings without opening files."""
        if not self.networks:
            raise InvalidValueError("--networks", self.networks, "at least one network")
        if len(set(map(short_name, self.networks))) < len(self.networks):
            raise InvalidValueError("--networks", self.networks, "networks of different names")
        if len(set(map(short_name, self.measured))) < len(self.measured):
            raise InvalidValueError("--reference", self.reference, "one of --networks, or of another name than those")
        for name in self.corruptions or []:
            if name not in CORRUPTION_NAMES:
                raise UnknownNameError("corruption", name, CORRUPTION_NAMES)
        if self.severities is not None and not set(self.severities) & set(SEVERITIES) >= set(self.severities):
            raise InvalidValueError("--severities", self.severities, "1 to 5, each of them")
        if self.reference == PUBLISHED_ALEXNET and self.levels != SEVERITIES:
            raise InvalidValueError("--severities", self.severities, f"all five, whose mean {PUBLISHED_ALEXNET} is")
        check_ranges(self)
        check_workers("--workers", self.workers)
        chosen_trackers(self.tracking)

    @property
    def measured(self) -> tuple[str, ...]:
        """The networks, and the reference unless it is one of them or published."""
        known = {Path(name).absolute() for name in self.networks}
        beside = self.reference not in (None, PUBLISHED_ALEXNET) and Path(self.reference or "").absolute() not in known
        return (*self.networks, *([self.reference] if self.reference and beside else []))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the corruptions, in the order of the table."""
        return tuple(name for name in CORRUPTION_NAMES if name in (self.corruptions or CORRUPTION_NAMES))

    @property
    def levels(self) -> tuple[int, ...]:
        """Severities, rising."""
        return tuple(sorted(set(self.severities or SEVERITIES)))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the report and the tracker."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def short_name(network: str) -> str:
    """Name of a network in tables and curves: its name, or that of its file."""
    return Path(network).stem if Path(network).suffix else network
