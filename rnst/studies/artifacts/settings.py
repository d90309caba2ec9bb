"""Settings of the study of checkerboards."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rnst.encoders.choice import Choice, folders_of
from rnst.encoders.names import DEFAULT_ENCODER, counterpart_of
from rnst.errors import InvalidValueError, UnknownNameError
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.ranges import Pixels, PositiveFloat, PositiveInt, check_ranges
from rnst.reporting.trackers import WANDB, chosen_trackers
from rnst.studies.artifacts.fixes import FIXES

_UNTRAINED = ("resnet18:random", "vgg11:random")


@dataclass(frozen=True)
class ArtifactSettings:
    """Settings of the study of checkerboards.

    Args:
        encoders: networks, as NAME or NAME:WEIGHTS; resnet18:random is an untrained one. none: an
            untrained ResNet-18, an untrained VGG-11 and the bundled ResNet-18 pair.
        fixes: fixes against checkerboards to test, by name; the one called none changes nothing.
        textures: also optimize a texture with every network and fix, not only measure gradients.
        style: painting whose texture is synthesized: a file or a sample.
        photo: picture at which gradients are taken: a file or a sample.
        size: side of textures and crops of the photo in pixels.
        style_scale: size of the painting relative to that of the texture.
        style_weight: weight of the style loss; total variation is the only other loss.
        steps: steps of L-BFGS for each texture.
        seeds: textures per network and fix, each from other noise; untrained networks also get other weights.
        cotangents: random gradients that are backpropagated through each crop of the photo.
        precision: precision of the arithmetic.
        output: folder of figures and textures.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
    """

    encoders: list[str] | None = None
    fixes: list[str] = field(default_factory=lambda: list(FIXES))
    textures: bool = True
    style: str = DEFAULT_PAINTING
    photo: str = DEFAULT_PHOTO
    size: Pixels = 96
    style_scale: PositiveFloat = 3.0
    style_weight: PositiveFloat = 10.0
    steps: PositiveInt = 60
    seeds: PositiveInt = 1
    cotangents: PositiveInt = 3
    precision: Literal["bf16", "fp32"] = "fp32"
    output: Path = Path("outputs/artifacts")
    tracking: str = WANDB

    def __post_init__(self) -> None:
        """Validate the settings without opening files.

        Raises:
            InvalidValueError: a value is out of range.
            UnknownNameError: there is no such encoder or fix.
        """
        if self.size < SMALLEST_SIDE:
            raise InvalidValueError("--size", self.size, f"at least {SMALLEST_SIDE} pixels")
        check_ranges(self)
        chosen_trackers(self.tracking)
        if self.encoders == []:
            raise InvalidValueError("--encoders", self.encoders, "at least one name")
        if not self.fixes:
            raise InvalidValueError("--fixes", self.fixes, "at least one name")
        for fix in self.fixes:
            if fix not in FIXES:
                raise UnknownNameError("fix", fix, [repr(name) for name in FIXES])
        folders_of(self.choices)

    @property
    def choices(self) -> dict[str, Choice]:
        """Name given by the user -> network."""
        names = self.encoders or [*_UNTRAINED, counterpart_of(DEFAULT_ENCODER), DEFAULT_ENCODER]
        return {name: Choice.parse(name) for name in names}

    @property
    def tried(self) -> list[str]:
        """Names of the fixes to test, in the order of FIXES."""
        return [name for name in FIXES if name in self.fixes]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the report and the tracker."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
