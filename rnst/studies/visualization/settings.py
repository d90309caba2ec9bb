"""Settings of a visualization."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rnst.encoders.names import DEFAULT_ENCODER, counterpart_of
from rnst.errors import InvalidValueError, UnknownNameError
from rnst.ranges import NonNegativeInt, Pixels, PositiveFloat, PositiveInt, Seed, SeveralInt, check_ranges
from rnst.reporting.trackers import WANDB, chosen_trackers

PARTS = ("fourier", "colors", "transforms")
NONE, ALL = "none", "all"
NOISE, GRAY = "noise", "gray"


@dataclass(frozen=True)
class VisualizationSettings:
    """Settings of a visualization.

    Args:
        networks: names that rnst models lists, or weight files. The pictures of each are also classified by the others.
        objectives: objectives, each a column: 'layer3:12' a channel, 'layer3:12@5,5' a neuron at a position,
            'layer3:12@' at the center, 'class:2' or 'class:tench' a logit, 'direction:layer3:3=1,7=-0.5' a mixture,
            'dream:layer3' the whole layer, 'representation:7' an input of the head, and sums and products of these, as
            '0.5*layer3:12 + class:1'. none: the first ten classes.
        objectives_of: network -> its own objectives, in place of the common ones.
        invert: photos whose features are reconstructed, each a column, in place of objectives.
        interpolate: two photos; pictures are optimized for the features between them.
        stages: pictures of an interpolation, including the two photos.
        layer: layer whose features invert and interpolate compare.
        priors: rows of each network: none, all, or some of fourier, colors and transforms joined by +.
        fourier_decay: exponent of the decay of a Fourier spectrum.
        optimizer: pgd (steps of constant length along the gradient, pixels clamped) or adam.
        steps: steps of the optimizer.
        step_size: length of a step of pgd in the L2 norm; of adam, its learning rate. none: 1 at 128 pixels, in
            proportion elsewhere, or 0.05.
        radius: radius of the L2 ball around the start for pgd.
        start: noise, gray, a photo, or the name of a sample.
        pictures: pictures of each objective, from as many seeds. The sheet shows the first.
        size: side of the pictures in pixels.
        redirect: first steps, in which dead ReLUs get a gradient.
        fake_last: pass the gradient straight through the last ReLU of the deepest layer used.
        photos: photos at which the networks' gradients are compared.
        architecture: architecture of weight files that do not record it.
        batch: pictures that are optimized together.
        accelerator: auto, cpu or gpu.
        output: folder to write sheet.png, visualization.json and the pictures to.
        seed: seed of noise and transforms.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
    """

    networks: list[str] = field(default_factory=lambda: [DEFAULT_ENCODER, counterpart_of(DEFAULT_ENCODER)])
    objectives: list[str] | None = None
    objectives_of: dict[str, list[str]] = field(default_factory=dict)
    invert: list[str] = field(default_factory=list)
    interpolate: list[str] = field(default_factory=list)
    stages: SeveralInt = 5
    layer: str = "representation"
    priors: list[str] = field(default_factory=lambda: [NONE, ALL])
    fourier_decay: float = 1.0
    optimizer: Literal["pgd", "adam"] = "pgd"
    steps: PositiveInt = 40
    step_size: PositiveFloat | None = None
    radius: PositiveFloat = 1000.0
    start: str = NOISE
    pictures: PositiveInt = 1
    size: Pixels = 128
    redirect: NonNegativeInt = 0
    fake_last: bool = False
    photos: list[str] = field(default_factory=lambda: ["coffee", "chelsea", "rocket", "astronaut"])
    architecture: str | None = None
    batch: PositiveInt = 16
    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    output: Path = Path("outputs/visualize")
    seed: Seed = 0
    tracking: str = WANDB

    def __post_init__(self) -> None:
        """Validate the settings without opening files."""
        check_ranges(self)
        chosen_trackers(self.tracking)
        if not self.networks or len(set(self.networks)) < len(self.networks):
            raise InvalidValueError("--networks", self.networks, "one or more, each once")
        if len({Path(name).stem for name in self.networks}) < len(self.networks):  # they name rows and folders
            raise InvalidValueError("--networks", self.networks, "networks of different names")
        others = [name for name in self.objectives_of if name not in self.networks]
        if others and not set(self.networks) <= set(self.objectives_of):  # a configuration may have objectives for more
            raise UnknownNameError("network in --objectives_of", others[0], self.networks)
        if not self.priors or len(set(self.priors)) < len(self.priors):
            raise InvalidValueError("--priors", self.priors, "one or more, each once")
        for priors in self.priors:
            parts_of(priors)
        if self.interpolate and len(self.interpolate) != 2:  # noqa: PLR2004 - interpolation is between two
            raise InvalidValueError("--interpolate", self.interpolate, "two photos")
        if bool(self.objectives or self.objectives_of) + bool(self.invert) + bool(self.interpolate) > 1:
            raise InvalidValueError("--invert", self.invert, "given without --objectives and --interpolate")

    @property
    def from_photos(self) -> bool:
        """Whether the targets are features of photos, not objectives."""
        return bool(self.invert or self.interpolate)

    @property
    def length(self) -> float:
        """Length of a step."""
        usual = {"pgd": self.size / 128, "adam": 0.05}
        return self.step_size or usual[self.optimizer]

    def as_dict(self) -> Mapping[str, Any]:
        """Plain values, for the report and the tracker."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def parts_of(priors: str) -> frozenset[str]:
    """The components of a row's priors: some of fourier, colors and transforms.

    Raises:
        InvalidValueError: `priors` contains another name.
    """
    if priors in {NONE, ALL}:
        return frozenset(PARTS if priors == ALL else ())
    parts = frozenset(priors.split("+"))
    if not parts <= set(PARTS):
        raise InvalidValueError("--priors", priors, f"{NONE}, {ALL}, or some of {', '.join(PARTS)} joined by +")
    return parts
