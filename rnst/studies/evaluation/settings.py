"""Settings of an evaluation, and their defaults from the facts of the weight file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

from rnst.errors import InvalidValueError
from rnst.machine import check_workers
from rnst.ranges import NonNegativeFloat, NonNegativeInt, PhotoSide, PositiveInt, Seed, check_ranges
from rnst.reporting.trackers import WANDB, chosen_trackers

Norm = Literal["l2", "linf"]

_USUAL_RADII: dict[str, list[float]] = {"l2": [0.0, 0.5, 1.0, 3.0], "linf": [0.0, 2 / 255, 4 / 255, 8 / 255]}
_USUAL_STEPS = [20, 100]  # the columns of the published tables
_USUAL_SIZE = 224


@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of an evaluation.

    Args:
        data: folder that holds val (and train) with one folder for each class; for CIFAR-10 the folder of its archive.
        split: val for photos that the network was not trained on, train for those that it was.
        among: classes that the network decides among: all that it knows, or present, those of the photos alone.
        radii: radii of the ball, in units of pixels in [0, 1]; fractions as 4/255 are accepted. 0 is the clean photo.
            none: half, once and twice the radius of the training; without one, published radii of the norm.
        norm: norm of the ball; none means that of the training, or l2.
        steps: steps of PGD, one attack for each number; none means 20 and 100.
        autoattack: also run AutoAttack, which costs about a hundred times as much as PGD-20.
        photos: number of photos, evenly spread over the classes; 0 means all.
        batch_size: photos that are attacked together.
        workers: worker processes that decode.
        skip_broken: most photos that may be unreadable. They are left out and listed; one more is an error.
        image_size: side of the photos in pixels; none means that of the training, or 224.
        architecture: architecture of a weight file that does not record it.
        precision: precision of the arithmetic.
        accelerator: device: auto, cpu, gpu, mps.
        devices: number of devices that share the photos.
        output: folder to write evaluation.json and evaluation.png to; none means outputs/evaluation/NAME.
        seed: seed of AutoAttack.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
    """

    data: Path
    split: Literal["val", "train"] = "val"
    among: Literal["all", "present"] = "all"
    radii: list[NonNegativeFloat] | None = None
    norm: Literal["l2", "linf"] | None = None
    steps: list[PositiveInt] | None = None
    autoattack: bool = False
    photos: NonNegativeInt = 1000
    batch_size: PositiveInt = 100
    workers: int = 2
    skip_broken: NonNegativeInt = 10
    image_size: PhotoSide | None = None
    architecture: str | None = None
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    accelerator: str = "auto"
    devices: PositiveInt = 1
    output: Path | None = None
    seed: Seed = 0
    tracking: str = WANDB

    def __post_init__(self) -> None:
        """Validate the settings without opening files."""
        check_ranges(self)
        check_workers("--workers", self.workers)
        chosen_trackers(self.tracking)
        if self.autoattack and self.precision == "16-mixed":  # its gradients would be 0 where an answer is confident
            raise InvalidValueError("--precision", self.precision, "bf16-mixed or 32-true with --autoattack")

    def resolved(self, network: str, facts: Mapping[str, Any]) -> Self:
        """The settings with None replaced by the facts of the weight file, or else by defaults.

        Args:
            network: name or file; the output folder is named after it.
            facts: facts of the weight file.
        """
        norm: Norm = self.norm or ("linf" if facts.get("norm") == "linf" else "l2")
        trained = float(facts.get("radius") or 0.0) if facts.get("norm") == norm else 0.0
        radii = self.radii or ([0.0, trained / 2, trained, 2 * trained] if trained else _USUAL_RADII[norm])
        return replace(
            self,
            norm=norm,
            radii=sorted(set(radii)),
            steps=sorted(set(self.steps or _USUAL_STEPS)),
            image_size=self.image_size or int(facts.get("image_size") or _USUAL_SIZE),
            output=self.output or Path("outputs") / "evaluation" / Path(network).stem,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the report and the tracker."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
