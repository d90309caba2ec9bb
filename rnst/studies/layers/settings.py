"""Settings of the study of layers."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rnst.encoders.choice import Choice, folders_of
from rnst.encoders.names import DEFAULT_ENCODER, RANDOM, counterpart_of, find_network
from rnst.errors import InvalidValueError
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.ranges import PhotoSide, Pixels, PositiveFloat, PositiveInt, Seed, check_ranges
from rnst.reporting.trackers import WANDB, chosen_trackers


@dataclass(frozen=True)
class LayerSettings:
    """Settings of the study of layers.

    Args:
        data: folder that holds val (and train) with one folder of photos for each class.
        encoders: networks, as NAME or NAME:WEIGHTS; resnet18:random is an untrained one. none: the bundled
            ResNet-18 pair, and that network untrained.
        layers: layers of every network; none means its style layers, and its stem if it has one.
        split: val for photos that the networks were not trained on, train for those that they were.
        photos: number of photos, evenly spread over the classes.
        image_size: side of the photos in pixels, at which radii are stated.
        radii: radii of the L2 ball around each photo, images in [0, 1]. none: 0.02, 0.2 and 1.8.
        attack_steps: gradient steps that search for the largest change.
        draws: random perturbations of the same norm, for comparison.
        batch_size: photos that are attacked together.
        pictures: also stylize with each layer alone as the only style layer.
        content: photo to stylize: a file or a sample.
        style: painting whose style is transferred: a file or a sample.
        size: long side of the stylized pictures in pixels.
        steps: steps of L-BFGS for each picture.
        style_weights: weights to try for each layer; the automatic pick of sweeps selects the best picture.
            none: 10.
        precision: precision of the arithmetic for pictures.
        seed: seed of noise, random perturbations and random weights.
        output: folder of figures and pictures.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
    """

    data: Path
    encoders: list[str] | None = None
    layers: list[str] | None = None
    split: Literal["val", "train"] = "val"
    photos: PositiveInt = 16
    image_size: PhotoSide = 128
    radii: list[PositiveFloat] | None = None
    attack_steps: PositiveInt = 10
    draws: PositiveInt = 4
    batch_size: PositiveInt = 16
    pictures: bool = True
    content: str = DEFAULT_PHOTO
    style: str = DEFAULT_PAINTING
    size: Pixels = 192
    steps: PositiveInt = 60
    style_weights: list[PositiveFloat] | None = None
    precision: Literal["bf16", "fp32"] = "bf16"
    seed: Seed = 0
    output: Path = Path("outputs/layers")
    tracking: str = WANDB

    def __post_init__(self) -> None:
        """Validate the settings without opening files.

        Raises:
            InvalidValueError: a value is out of range.
            UnknownNameError: there is no such encoder.
        """
        check_ranges(self)
        chosen_trackers(self.tracking)
        for name in ("radii", "style_weights", "encoders", "layers"):
            if getattr(self, name) == []:
                raise InvalidValueError(f"--{name}", [], "at least one")
        if self.pictures and self.size < SMALLEST_SIDE:
            raise InvalidValueError("--size", self.size, f"at least {SMALLEST_SIDE} pixels")
        folders_of(self.choices)

    @property
    def choices(self) -> dict[str, Choice]:
        """Name given by the user -> network."""
        untrained = f"{find_network(DEFAULT_ENCODER).architecture}:{RANDOM}"
        names = self.encoders or [untrained, counterpart_of(DEFAULT_ENCODER), DEFAULT_ENCODER]
        return {name: Choice.parse(name) for name in names}

    @property
    def balls(self) -> list[float]:
        """Radii, rising; by default a hundredth, a tenth, and the whole of the common training radius, at 128 px."""
        return sorted(set(self.radii or [0.02, 0.2, 1.8]))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the report and the tracker."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
