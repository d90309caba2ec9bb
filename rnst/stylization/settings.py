"""Every setting of a stylized picture, checked before anything is loaded."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

from rnst.encoders.names import DEFAULT_ENCODER
from rnst.files import is_folder
from rnst.image.endings import QUALITY, Depth, MetadataLevel, is_video
from rnst.image.samples import DEFAULT_PAINTING, DEFAULT_PHOTO
from rnst.optimization.limits import check_limits
from rnst.ranges import (
    Aspect,
    Decay,
    Dpi,
    LearningRate,
    NonNegativeFloat,
    NonNegativeInt,
    Pixels,
    PositiveInt,
    Quality,
    Seed,
    Share,
    StyleScale,
    Supersampling,
    Weight,
    check_names,
    check_ranges,
)
from rnst.reporting.trackers import OFF, chosen_trackers
from rnst.stylization.combinations import DEFAULT_SIZE, NO_CONTENT, check_combinations

_NAMES = ("content", "style", "output", "encoder", "weights", "init", "color_basis", "content_mask", "style_mask")


@dataclass(frozen=True)
class StylizationSettings:
    """Settings of one picture.

    Args:
        content: picture to stylize: a file, the name of a sample photo, a folder (each of its pictures is stylized), a
            video, or "none" for a texture of the style alone.
        style: painting to take the style from: a file, or the name of a sample painting; several are mixed.
        output: picture to write (.png, .jpg, .webp, .avif, .tif, or .heic with its extra); its JSON sidecar has the
            same name. May hold settings: {content}-{seed}.png. For a folder of contents, a folder. Without --output, no
            picture of other settings is replaced: -2, -3, ... is added to the name.
        encoder: network whose features are compared (`rnst models` lists them).
        weights: weight file for the encoder, or "random"; none means the encoder's own.
        size: long side of the picture in pixels (or the short one, with --side short).
        print: sheet that the picture fills, as 30x40cm, 8x10in or 210x297mm, instead of --size; the sheet is turned to
            the orientation of the photo, whose shape is kept.
        dpi: dots per inch that the file states; none means that of the photo, and 300 with --print.
        supersample: optimize the picture at so many times its size, and reduce it at the end. Details finer than the
            network's first stride come from here. none means 3, or less if that is more than 3072 pixels.
        side: side of the picture that --size sets.
        aspect: width divided by height of a picture without content; none means that of the style.
        steps: optimizer steps at each scale.
        scales: sizes from coarse to fine, each larger by the square root of two; the last one is `size`. auto begins at
            362 pixels or a little above.
        optimizer: lbfgs or adam.
        learning_rate: none means 1 for L-BFGS and 0.05 for Adam.
        history: past steps that L-BFGS remembers.
        line_search: let L-BFGS search for a step that lowers the loss.
        averaging: share of the old in the running mean of Adam's pictures, which is shown and kept; 0 keeps the picture
            of lowest loss.
        init: first state of the picture: content, noise, style, style_noise (noise with the colors and spectrum of the
            style), or a file; none means content, or style_noise where there is no content or no weight on it.
        parameters: what the optimizer updates: pixels, or their Fourier spectrum, which avoids pixel noise; clamped
            are pixels clipped to [0, 1] after each step, as in other programs.
        fourier_decay: preference of broad shapes over fine ones: frequency f is scaled by f to minus this power;
            none means 0.3 for L-BFGS, and 0.5 for Adam, whose steps are equally large at every frequency.
        color_basis: what colors are made of: rgb, or decorrelated, in which noise has the colors of photos; or a
            picture or a folder of pictures, in which noise has the colors of those.
        shifts: positions of the picture relative to the network's strides, each for 15 steps, half of the time; 1: one.
        shifts_per_step: neighboring positions, one pixel apart, whose mean loss each step descends; 4 cancel the
            pattern of stride 2 in four times the time. With robust transforms, the number of those in each step.
        transforms: robust jitters, scales and rotates the picture at random instead of --shifts: each step with Adam,
            every 15 steps with L-BFGS.
        style_weight: of the style distance; none means what is usual with --convention (15 for relative).
        content_weight: of the content distance; none means what is usual with --convention (1 for relative).
        tv_weight: of the total variation, which smooths; none means what is usual with --convention (5 for relative).
        convention: what the distances are divided by. relative: by the painting's and the photo's own statistics, so
            that a weight means the same for every network; the others are those of papers and programs.
        style_loss: gram compares Gram matrices; w2 means and covariances, as the distance of distributions; none means
            w2, or gram with the --convention of others and with --smoothing softmax.
        style_layer_weights: a number for each style layer; none means 1, or 3, 1, 0.3 for a ResNet's default ones.
        content_layer_weights: a number for each content layer; none means 1 for all.
        normalize_gradients: weigh the layers so that their gradients are equally large, measured once at each size.
        smoothing: softmax compares the softmax of a layer's features; for networks with a few very large activations.
        style_weights: share of each style in the mixture; none means equal shares.
        style_scale: size of the style picture, 1 makes its long side that of the picture; strokes grow with it.
        content_mask: where in the picture each style goes: a gray picture for each style, white is there, or one less,
            and the last style gets the rest; or one colored picture, whose regions take the styles of the same color
            in --style_mask.
        style_mask: which part of each style counts: a gray picture for each, or a colored one for each.
        colors: free takes those of the style; luminance keeps those of the content; match and histogram give the
            style the colors of the content first, by mean and covariance or by histograms.
        sequence: the content is a folder of frames; each starts from the last stylized one. none means so for a video.
        sequence_weight: of the difference to the last stylized frame, as far as the content is the same; none means
            400 in a sequence.
        flow: optical flow by which the last frame follows the motion: raft, or the classical tvl1; still takes content
            without motion. Left away: raft if its weights are in the cache of torch.hub, else tvl1.
        key_frames: every so many frames take all steps; those between follow the flow, with an eighth of the steps.
        style_layers: names or module paths; none means the encoder's defaults.
        content_layers: names or module paths; none means the encoder's defaults.
        pooling: keep the network's pools, or replace them by those of averages, of maxima, or of mean squares.
        pool_kernel: even makes the windows of pools as large as their stride, as 2x2 instead of 3x3.
        strides: blur removes the patterns that strides leave in pictures; blur_stem only the finest; keep none.
        stem: dense runs the first convolution at stride 1, which takes four times as long and leaves no checkerboard.
        margin: pixels that are optimized around the picture and cut off; the network's zero padding distorts them.
        normalization: mean and deviation that the network's input gets: its own, or others to compare with programs
            that give all networks the same.
        padding: repeat the border of the picture instead of zeros at the first convolution, or at all of them.
        relu: fake_last lets the gradient pass the deepest ReLU in use; redirected lets it revive dead units everywhere;
            leaky and softplus replace the function.
        seamless: axes along which copies of the picture fit to each other, for textures that repeat: x, y or both. For
            --content none, or a content that repeats itself.
        tile: side in pixels of the tiles in which the picture is computed; 0 is the whole picture at once, none takes
            the largest tiles that fit into the memory.
        memory: what a process may take, as 8GB, where the tiles are chosen by it; none means most of what is free.
        devices: GPUs, or processes where there is none, that share a picture.
        precision: of the network's arithmetic; the losses are always computed in fp32.
        quality: of JPEG, WebP, AVIF and HEIC, 1 to 100.
        depth: bits of each channel in the file; auto is 16 for .tif and 8 for others. PNG holds 16 too.
        metadata: what the file holds beside profile and resolution: none, settings with the photo's author, copyright
            and date, or all, with camera and exposure. Never a place.
        save_every: steps between two intermediate pictures that are kept; 0 keeps none.
        resume: resume a picture that was stopped, from the .state.safetensors file beside it.
        scores: measure the finished picture: distance to the style, edges kept, grain and checkerboards.
        lpips: with scores, LPIPS to the content too; downloads AlexNet once.
        seed: of noise and random weights.
        group: of runs in Weights & Biases; none means the names of content and style.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
        tracking_folder: folder of the trackers' files; none means that of the picture.
    """

    content: str = DEFAULT_PHOTO
    style: list[str] | str = DEFAULT_PAINTING
    output: Path = Path("outputs/{content}--{style}.png")
    encoder: str = DEFAULT_ENCODER
    weights: str | None = None
    size: Pixels = DEFAULT_SIZE
    print: str | None = None
    dpi: Dpi | None = None
    supersample: Supersampling | None = None
    side: Literal["long", "short"] = "long"
    aspect: Aspect | None = None
    steps: PositiveInt = 20
    scales: PositiveInt | Literal["auto"] = "auto"
    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    learning_rate: LearningRate | None = None
    history: PositiveInt = 10
    line_search: bool = True
    averaging: Share = 0.99
    init: str | None = None
    parameters: Literal["pixels", "fourier", "clamped"] = "fourier"
    fourier_decay: Decay | None = None
    color_basis: str = "rgb"
    shifts: PositiveInt = 16
    shifts_per_step: PositiveInt = 1
    transforms: Literal["none", "robust"] = "none"
    style_weight: Weight | None = None
    content_weight: Weight | None = None
    tv_weight: Weight | None = None
    convention: Literal["relative", "nakano", "gatys2015", "neural-style", "gatys-torch"] = "relative"
    style_loss: Literal["gram", "w2"] | None = None
    style_layer_weights: list[NonNegativeFloat] | None = None
    content_layer_weights: list[NonNegativeFloat] | None = None
    normalize_gradients: bool = False
    smoothing: Literal["none", "softmax"] = "none"
    style_weights: list[NonNegativeFloat] | None = None
    style_scale: StyleScale = 1.0
    content_mask: list[str] | None = None
    style_mask: list[str] | None = None
    colors: Literal["free", "luminance", "match", "histogram"] = "free"
    sequence: bool | None = None
    sequence_weight: Weight | None = None
    flow: Literal["raft", "tvl1", "still"] | None = None
    key_frames: PositiveInt = 1
    style_layers: list[str] | None = None
    content_layers: list[str] | None = None
    pooling: Literal["keep", "avg", "max", "l2"] = "keep"
    pool_kernel: Literal["keep", "even"] = "keep"
    strides: Literal["keep", "blur", "blur_stem"] = "blur"
    stem: Literal["keep", "dense"] = "keep"
    margin: NonNegativeInt = 16
    normalization: Literal["own", "imagenet", "restricted_imagenet"] = "own"
    padding: Literal["keep", "first", "all"] = "keep"
    relu: Literal["keep", "fake_last", "redirected", "leaky", "softplus"] = "keep"
    seamless: Literal["none", "x", "y", "both"] = "none"
    tile: int | None = None
    memory: str | None = None
    devices: PositiveInt = 1
    precision: Literal["bf16", "fp32"] = "bf16"
    quality: Quality = QUALITY
    depth: Depth = "auto"
    metadata: MetadataLevel = "settings"
    save_every: NonNegativeInt = 0
    resume: bool = False
    scores: bool = False
    lpips: bool = False
    seed: Seed = 0
    group: str | None = None
    tracking: str = OFF
    tracking_folder: str | None = None

    def __post_init__(self) -> None:
        """Check every value that can be checked without opening a file.

        Raises:
            InvalidValueError: a value is out of range.
        """
        check_names(self, _NAMES)
        object.__setattr__(self, "output", Path(self.output))  # a notebook may give a text
        if self.has_video and self.output == type(self).output:
            object.__setattr__(self, "output", self.output.with_suffix(".mp4"))
        check_ranges(self)
        check_limits(self.tile, self.memory)
        chosen_trackers(self.tracking)
        check_combinations(self)

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the style pictures."""
        return (self.style,) if isinstance(self.style, str) else tuple(self.style)

    @property
    def has_folder(self) -> bool:
        """Whether the content is a folder of pictures."""
        return self.content != NO_CONTENT and is_folder(self.content)

    @property
    def has_video(self) -> bool:
        """Whether the content is a video."""
        return self.content != NO_CONTENT and is_video(self.content)

    @property
    def is_sequence(self) -> bool:
        """Whether each picture starts from the last one."""
        return self.has_video if self.sequence is None else self.sequence

    def replaced(self, **changes: Any) -> Self:
        """The same settings with some changed, checked again."""
        return replace(self, **changes)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for the sidecar and the tracker."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        values["style"] = self.styles[0] if len(self.styles) == 1 else list(self.styles)
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
