"""Every setting of a visualization."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rnst.encoders.names import DEFAULT_ENCODER, counterpart_of
from rnst.errors import InvalidValueError
from rnst.ranges import NonNegativeInt, Pixels, PositiveFloat, PositiveInt, SeveralInt, check_ranges

PARTS = ("fourier", "colors", "transforms")
NONE, ALL = "none", "all"
NOISE, GRAY = "noise", "gray"


@dataclass(frozen=True)
class VisualizationSettings:
    """Settings of a visualization.

    Args:
        networks: names that rnst models lists, or weight files. The pictures of each are shown to all others.
        objectives: what to look for, each a column: 'layer3:12' a channel, 'layer3:12@5,5' a neuron at a place,
            'layer3:12@' in the middle, 'class:2' or 'class:tench' a logit, 'direction:layer3:3=1,7=-0.5' a mixture,
            'dream:layer3' all there is, 'representation:7' what the head is given, and sums and products of these, as
            '0.5*layer3:12 + class:1'. none: the first ten classes.
        objectives_of: network -> objectives of its own, in place of those.
        invert: photos whose features are painted again from the start, each a column, in place of objectives.
        interpolate: two photos; the features between them are painted.
        stages: pictures of an interpolation, the two photos among them.
        layer: features that invert and interpolate compare.
        priors: rows of each network: none, all, or some of fourier, colors and transforms joined by +.
        fourier_decay: exponent by which a Fourier spectrum falls.
        optimizer: pgd (steps of one length along the gradient, pixels clamped) or adam.
        steps: of the optimizer.
        step_size: length of a step of pgd in the L2 norm; of adam, its learning rate. none: 1 at 128 pixels, in
            proportion elsewhere, or 0.05.
        radius: the L2 ball around the start that pgd stays in.
        start: noise, gray, a photo, or the name of a sample.
        pictures: of each objective, from as many seeds. The sheet shows the first.
        size: side of the pictures in pixels.
        redirect: steps at the beginning in which dead ReLUs get a gradient.
        fake_last: pass the gradient straight through the last ReLU of the deepest layer looked at.
        photos: where the gradients of the networks are compared.
        architecture: of weight files that do not say it.
        batch: pictures that are painted together.
        accelerator: auto, cpu or gpu.
        output: folder to write sheet.png, visualization.json and the pictures to.
        seed: of noise and transforms.
        tracking: Weights & Biases: auto writes an offline run unless there is a key.
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
    seed: NonNegativeInt = 0
    tracking: Literal["auto", "wandb", "off"] = "auto"

    def __post_init__(self) -> None:
        """Check what can be checked without opening a file."""
        check_ranges(self)
        if not self.networks or len(set(self.networks)) < len(self.networks):
            raise InvalidValueError("--networks", self.networks, "one or more, each once")
        for priors in self.priors:
            parts_of(priors)
        if self.interpolate and len(self.interpolate) != 2:  # noqa: PLR2004 - one lies between two
            raise InvalidValueError("--interpolate", self.interpolate, "two photos")
        if bool(self.objectives or self.objectives_of) + bool(self.invert) + bool(self.interpolate) > 1:
            raise InvalidValueError("--invert", self.invert, "given without --objectives and --interpolate")

    @property
    def from_photos(self) -> bool:
        """Whether features of photos are looked for, not objectives."""
        return bool(self.invert or self.interpolate)

    @property
    def length(self) -> float:
        """Of a step."""
        usual = {"pgd": self.size / 128, "adam": 0.05}
        return self.step_size or usual[self.optimizer]

    def as_dict(self) -> Mapping[str, Any]:
        """Plain values, for the report and the tracker."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def parts_of(priors: str) -> frozenset[str]:
    """Which of fourier, colors and transforms a row has.

    Raises:
        InvalidValueError: it names something else.
    """
    if priors in {NONE, ALL}:
        return frozenset(PARTS if priors == ALL else ())
    parts = frozenset(priors.split("+"))
    if not parts <= set(PARTS):
        raise InvalidValueError("--priors", priors, f"{NONE}, {ALL}, or some of {', '.join(PARTS)} joined by +")
    return parts
