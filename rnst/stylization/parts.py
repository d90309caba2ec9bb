"""The parts of a resolved job: each describes one aspect of a picture, and every value is filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

from rnst.encoders.circular import STRIDE_PERIOD
from rnst.encoders.names import OWN
from rnst.image.color_basis import RGB
from rnst.image.credits import NO_CREDITS, Credits
from rnst.image.endings import QUALITY, Depth, MetadataLevel
from rnst.image.files import Picture, fit_long_side, fit_short_side
from rnst.image.periodic import Wraps, wraps_of
from rnst.reporting.trackers import OFF
from rnst.stylization.combinations import NO_CONTENT

OF_THE_CONTENT: Literal["content"] = "content"
OF_THE_STYLE: Literal["style"] = "style"
INITS = ("content", "style", "style_noise", "noise")  # anything else is a file

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What is read from files.

    Attributes:
        content: a file, the name of a sample photo, or NO_CONTENT.
        styles: files, or names of sample paintings.
        style_weights: share of each style in the mixture.
        content_mask, style_mask: see `StylizationSettings`; empty where there are no masks.
        colors: free, luminance, match or histogram.
        color_basis: rgb, decorrelated, or a picture or a folder of pictures.
        init: content, noise, style, style_noise, or a file.
        aspect: width divided by height; "content" where there is one, "style" for that of the first style.
        seed: of noise.
        sequence: each picture of the folder starts from the last one.
        flow: raft, tvl1, or still for no motion: the optical flow by which the last one is warped.
        key_frames: every so many pictures of a sequence take all steps.
        follows: file of the stylized frame that this one of a sequence goes on from; "" for none.
    """

    content: str
    styles: tuple[str, ...]
    style_weights: tuple[float, ...]
    content_mask: tuple[str, ...] = ()
    style_mask: tuple[str, ...] = ()
    colors: str = "free"
    color_basis: str = RGB
    init: str = "content"
    aspect: float | Literal["content", "style"] = OF_THE_CONTENT
    seed: int = 0
    sequence: bool = False
    flow: str = "still"
    key_frames: int = 1
    follows: str = ""

    @property
    def has_content(self) -> bool:
        """Whether there is a photo."""
        return self.content != NO_CONTENT


@dataclass(frozen=True, kw_only=True)
class NetworkChoice:
    """The network and its weights.

    Attributes:
        encoder: its name in the catalog.
        weights: a weight file, "random", or "own" for those of the catalog.
        normalization: mean and deviation that its input gets, see `load_encoder`.
        seed: of random weights.
    """

    encoder: str
    weights: str = OWN
    normalization: str = OWN
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the picture is compared by: statistics, features, and the weight of each.

    The defaults of the weights are those of the convention "relative".

    Attributes:
        style_layers: layer -> its weight among the style layers.
        content_layers: layer -> its weight among the content layers.
        convention: what the distances are divided by.
        style_weight: of the style distance.
        content_weight: of the content distance.
        tv_weight: of the total variation.
        style_loss: "gram" or "w2".
        smoothing: "none" or "softmax".
        normalize_gradients: weigh the layers so that their gradients are equally large.
        style_scale: long side of the styles in long sides of the picture.
        sequence_weight: of the difference to the last frame of a sequence.
    """

    style_layers: Mapping[str, float]
    content_layers: Mapping[str, float] = field(default_factory=dict)
    convention: str = "relative"
    style_weight: float = 15.0
    content_weight: float = 1.0
    tv_weight: float = 5.0
    style_loss: str = "w2"
    smoothing: str = "none"
    normalize_gradients: bool = False
    style_scale: float = 1.0
    sequence_weight: float = 0.0

    @property
    def layers(self) -> list[str]:
        """All layers, each once."""
        return list(dict.fromkeys([*self.style_layers, *self.content_layers]))


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """How large the picture becomes.

    Attributes:
        size: length in pixels of the side that is meant.
        side: "long" or "short".
        supersample: the picture is optimized at so many times its size, and reduced at the end.
        scales: number of sizes from coarse to fine; "auto" until the size of the content is known.
        steps: optimizer steps at each scale.
        seamless: axes along which the picture repeats: none, x, y or both.
    """

    size: int
    side: Literal["long", "short"] = "long"
    supersample: float = 1.0
    scales: int | Literal["auto"] = 1
    steps: int = 40
    seamless: str = "none"

    def delivered(self, content: Size) -> Size:
        """Height and width in pixels of the finished picture of a content of that size."""
        return (fit_long_side if self.side == "long" else fit_short_side)(content, self.size)

    def optimized(self, content: Size) -> Size:
        """Height and width in pixels at which such a picture is optimized before it is reduced."""
        return self.tiling_size(self.enlarged(content))

    def enlarged(self, content: Size) -> Size:
        """The same before sides of pictures that repeat are rounded."""
        height, width = self.delivered(content)
        return round(self.supersample * height), round(self.supersample * width)

    def tiling_size(self, size: Size) -> Size:
        """The next size whose sides that repeat are multiples of the strides of networks."""
        height, width = (
            -(-side // STRIDE_PERIOD) * STRIDE_PERIOD if wrap else side
            for side, wrap in zip(size, wraps_of(self.seamless), strict=True)
        )
        return height, width


@dataclass(frozen=True, kw_only=True)
class Parametrization:
    """The parametrization that the optimizer updates.

    Attributes:
        parameters: "pixels", "fourier" or "clamped".
        fourier_decay: the scale of a frequency is its power with minus this exponent.
        corner: frequency in cycles per pixel from which on the scale no longer falls.
        margin: pixels around the picture that are optimized and cut off, along axes that do not repeat.
        seamless: axes along which the picture repeats: none, x, y or both.
    """

    parameters: str = "fourier"
    fourier_decay: float = 0.3
    corner: float = 0.125
    margin: int = 16
    seamless: str = "none"

    @property
    def wraps(self) -> Wraps:
        """Whether rows and columns continue at the opposite border."""
        return wraps_of(self.seamless)

    @property
    def margins(self) -> Size:
        """Pixels above and below, and left and right, that are optimized and cut off."""
        return self.margin * (not self.wraps[0]), self.margin * (not self.wraps[1])


@dataclass(frozen=True, kw_only=True)
class Augmentations:
    """How the picture is transformed before the network sees it.

    Attributes:
        transforms: "none" or "robust".
        shifts: positions relative to the network's grid of strides, used in turn.
        shifts_per_step: transforms whose mean each step descends.
        hold: steps before the next transform.
        seed: of the transforms.
    """

    transforms: str = "none"
    shifts: int = 1
    shifts_per_step: int = 1
    hold: int = 15
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Records:
    """What is written and reported.

    Attributes:
        output: the picture's file.
        quality: of JPEG, WebP, AVIF and HEIC, 1 to 100.
        depth: bits of each channel in the file.
        metadata: what is stored in the file, see `Credits.kept`.
        dpi: dots per inch that the file states; None takes those of the photo.
        save_every: steps between two intermediate pictures; 0 writes none.
        resume: resume a stopped run.
        scores: measure the finished picture.
        lpips: with scores, LPIPS too.
        group: of runs in Weights & Biases.
        tracking: "off", or trackers joined by commas, see `chosen_trackers`.
        tracking_folder: folder of the trackers' files; None is that of the picture.
    """

    output: Path
    quality: int = QUALITY
    depth: Depth = "auto"
    metadata: MetadataLevel = "settings"
    dpi: float | None = None
    save_every: int = 0
    resume: bool = False
    scores: bool = False
    lpips: bool = False
    group: str = ""
    tracking: str = OFF
    tracking_folder: str | None = None

    def credits_of(self, photo: Picture | None) -> Credits:
        """What the file of a picture that was made from `photo` tells about its origin."""
        found = NO_CREDITS if photo is None else photo.credits
        return replace(found, dpi=found.dpi if self.dpi is None else (self.dpi, self.dpi)).kept(self.metadata)

    def silent(self) -> Self:
        """The same without records, for processes that leave them to the first one."""
        return replace(self, tracking=OFF, save_every=0, scores=False, lpips=False)
