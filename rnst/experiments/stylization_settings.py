"""Every setting of a stylised picture, checked before anything is loaded."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

from rnst.encoders.catalog import DEFAULT_ENCODER
from rnst.errors import InvalidValueError
from rnst.image.formats import check_format
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO

SMALLEST_SIZE = 32  # below, the deepest layers of a ResNet have no extent left
_AT_LEAST_ONE = ("steps", "scales", "history", "shifts")
_NOT_NEGATIVE = ("style_weight", "content_weight", "tv_weight", "fourier_decay", "save_every", "seed")


@dataclass(frozen=True)
class StylizationSettings:
    """Settings of one picture.

    Args:
        content: picture to repaint: a file, or the name of a sample photo.
        style: painting to take the style from: a file, or the name of a sample painting.
        output: picture to write; its JSON sidecar has the same name. May hold settings: {content}-{seed}.png.
        encoder: network that looks at the pictures (`rnst models` lists them).
        weights: weight file for the encoder, or "random"; none means the encoder's own.
        size: long side of the picture in pixels.
        steps: optimizer steps at each scale.
        scales: sizes from coarse to fine, each larger by the square root of two; the last one is `size`.
        optimizer: lbfgs or adam.
        learning_rate: none means 1 for L-BFGS and 0.05 for Adam.
        history: past steps that L-BFGS remembers.
        line_search: let L-BFGS search for a step that lowers the loss.
        init: first state of the picture: content, noise, style, or a file.
        parameters: what the optimizer moves: pixels, or their Fourier spectrum, which leaves out pixel noise.
        fourier_decay: how much more easily broad shapes move than fine ones, as frequency to that power.
        shifts: positions of the picture against the network's strides that take turns; 1 lets stride patterns stay.
        style_weight: of the mean style distance, which is relative to the painting's own Gram matrix.
        content_weight: of the content distance, which is relative to the photo's own features.
        tv_weight: of the total variation; smooths.
        style_layers: names or module paths; none means the encoder's defaults.
        content_layers: names or module paths; none means the encoder's defaults.
        pooling: keep the network's pools, or replace them by average pools.
        strides: blur removes the checkerboard that a ResNet's strides leave in pictures; keep does not.
        precision: of the network's arithmetic; the losses are always computed in fp32.
        save_every: steps between two intermediate pictures; 0 keeps none.
        scores: measure the finished picture: distance to the style, edges kept, grain and checkerboards.
        seed: of noise and random weights.
        group: of runs in Weights & Biases; none means the names of content and style.
        tracking: Weights & Biases: auto writes an offline run unless there is a key.
    """

    content: str = DEFAULT_PHOTO
    style: str = DEFAULT_PAINTING
    output: Path = Path("outputs/stylized.png")
    encoder: str = DEFAULT_ENCODER
    weights: str | None = None
    size: int = 512
    steps: int = 60
    scales: int = 3
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: float | None = None
    history: int = 10
    line_search: bool = True
    init: str = "content"
    parameters: Literal["pixels", "fourier"] = "fourier"
    fourier_decay: float = 0.5
    shifts: int = 16
    style_weight: float = 10.0
    content_weight: float = 1.0
    tv_weight: float = 5.0
    style_layers: list[str] | None = None
    content_layers: list[str] | None = None
    pooling: Literal["keep", "avg"] = "keep"
    strides: Literal["keep", "blur"] = "blur"
    precision: Literal["bf16", "fp32"] = "bf16"
    save_every: int = 50
    scores: bool = False
    seed: int = 0
    group: str | None = None
    tracking: Literal["auto", "wandb", "off"] = "auto"

    def __post_init__(self) -> None:
        """Check every value that can be checked without opening a file.

        Raises:
            InvalidValueError: a value is out of range.
        """
        if self.size < SMALLEST_SIZE:
            raise InvalidValueError("--size", self.size, f"at least {SMALLEST_SIZE} pixels")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise InvalidValueError(f"--{name}", getattr(self, name), "at least 1")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise InvalidValueError(f"--{name}", getattr(self, name), "0 or more")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise InvalidValueError("--learning_rate", self.learning_rate, "more than 0")
        check_format(self.output)

    def replaced(self, **changes: Any) -> Self:
        """The same settings with some changed, checked again."""
        return replace(self, **changes)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for the sidecar and the tracker."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
