"""Resolves the flat list of options into typed parts: the one place where an unset option gets its value."""

import math
from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from rnst import machine
from rnst.encoders import catalog
from rnst.encoders.names import OWN, find_network
from rnst.encoders.surgery.surgery import Surgery
from rnst.errors import InvalidValueError
from rnst.image.print_sizes import DPI, read_sheet
from rnst.losses.conventions import find_convention
from rnst.motion.flow import NO_FLOW, usual_flow
from rnst.optimization.optimizers import PixelOptimizer
from rnst.optimization.tiling import Limits
from rnst.ranges import SMALLEST_SIZE
from rnst.stylization.combinations import NO_CONTENT
from rnst.stylization.image_optimization import STEPS_OF_AN_AUGMENTATION
from rnst.stylization.inputs import content_size
from rnst.stylization.parts import (
    OF_THE_CONTENT,
    OF_THE_STYLE,
    Augmentations,
    Look,
    NetworkChoice,
    Parametrization,
    Pictures,
    Records,
    Resolution,
    Size,
)
from rnst.stylization.scales import Scale, plan_scales, usual_scales
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.supersampling import usual_supersampling

_LEARNING_RATES = {"lbfgs": 1.0, "adam": 0.05}
_FOURIER_DECAYS = {"lbfgs": 0.3, "adam": 0.5}
_CORNERS = {"lbfgs": 0.125, "adam": math.inf}  # cycles per pixel; Adam makes up for curvatures by itself
_SEQUENCE_WEIGHT = 400.0  # see docs/how-to/video.md

_Part = TypeVar("_Part", bound=Any)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One picture, with every value filled in.

    Attributes:
        pictures: what is read.
        network: whose features are compared.
        look: what the picture is compared by.
        resolution: how large it becomes.
        surgery: changes to the network.
        optimizer: how the parameters are updated.
        parametrization: what the parameters are.
        augmentations: how the network sees the picture.
        limits: device, precision and memory.
        records: what is written.
        scales: sizes from coarse to fine; empty until the size of the content is known, see `at`.
    """

    pictures: Pictures
    network: NetworkChoice
    look: Look
    resolution: Resolution
    records: Records
    surgery: Surgery = field(default_factory=Surgery)
    optimizer: PixelOptimizer = field(default_factory=PixelOptimizer)
    parametrization: Parametrization = field(default_factory=Parametrization)
    augmentations: Augmentations = field(default_factory=Augmentations)
    limits: Limits = field(default_factory=Limits)
    scales: tuple[Scale, ...] = ()

    def at(self, content: Size) -> Self:
        """The same job for a content, or a texture, of that height and width in pixels: with its scales."""
        resolution, long_side = self.resolution, max(self.resolution.enlarged(content))
        count = usual_scales(long_side) if resolution.scales == "auto" else resolution.scales
        planned = plan_scales(content, long_side, count, resolution.steps)
        scales = [replace(scale, size=resolution.tiling_size(scale.size)) for scale in planned]
        pictures = self.pictures
        if pictures.aspect == OF_THE_STYLE:
            pictures = replace(pictures, aspect=content[1] / content[0])
        resolution = replace(resolution, scales=len(scales))
        return replace(self, pictures=pictures, scales=tuple(scales), resolution=resolution)

    def as_dict(self) -> dict[str, object]:
        """The resolved value of every option of `StylizationSettings`, as JSON has it."""
        pictures, look, optimizer = self.pictures, self.look, self.optimizer
        parts = (
            *(pictures, self.network, look, self.resolution, self.surgery, optimizer),
            *(self.parametrization, self.augmentations, self.limits, self.records),
        )
        values = {entry.name: getattr(part, entry.name) for part in parts for entry in fields(part)}
        values |= {
            "style": pictures.styles[0] if len(pictures.styles) == 1 else pictures.styles,
            "aspect": None if isinstance(pictures.aspect, str) else pictures.aspect,
            "optimizer": optimizer.name,
            "history": optimizer.history,
            "style_layers": look.style_layers.keys(),
            "style_layer_weights": look.style_layers.values(),
            "content_layers": look.content_layers.keys(),
            "content_layer_weights": look.content_layers.values(),
            "print": None,  # it has become the size
            "content_mask": pictures.content_mask or None,
            "style_mask": pictures.style_mask or None,
        }
        return {entry.name: _plain(values[entry.name]) for entry in fields(StylizationSettings)}


def resolve(settings: StylizationSettings, content: Size | None = None) -> Job:
    """Fill in every unset option, and group the options into parts.

    Args:
        settings: of one picture.
        content: height and width in pixels of the content; None leaves the scales open, see `Job.at`.

    Raises:
        UnknownNameError: no such encoder.
        InvalidValueError: what was filled in and what was set do not go together.
        MissingPathError, UnreadableFileError: the content, whose shape decides the size of a print, cannot be read.
    """
    settings = _sized(settings)
    filled = settings.replaced(**_usual(settings))
    pictures = _pictures(filled)
    job = Job(
        pictures=pictures,
        network=_part(NetworkChoice, filled),
        look=_look(filled),
        resolution=_part(Resolution, filled),
        surgery=_part(Surgery, filled),
        optimizer=_part(PixelOptimizer, filled, name=filled.optimizer),
        parametrization=_part(Parametrization, filled, corner=_CORNERS[filled.optimizer]),
        augmentations=_part(Augmentations, filled, hold=_hold(filled)),
        limits=_part(
            Limits,
            filled,
            tile=filled.tile if filled.seamless == "none" else 0,  # tiles would see the borders of the picture
            history=filled.history if filled.optimizer == "lbfgs" else 0,
            device=machine.device().type,
        ),
        records=_part(Records, filled, group=filled.group or title(pictures)),
    )
    return job if content is None else job.at(content)


def _sized(settings: StylizationSettings) -> StylizationSettings:
    """The same settings with the size in pixels of a print; that of a folder is different for each of its pictures."""
    if settings.print is None or settings.has_folder or settings.has_video:
        return settings
    dpi = settings.dpi or DPI
    content = content_size(_pictures(settings.replaced(**_usual(settings))))
    size = read_sheet(settings.print).long_side_of(content, dpi)
    if size < SMALLEST_SIZE:
        wanted = f"a sheet for at least {SMALLEST_SIZE} pixels; at {dpi:g} dpi it has {size}"
        raise InvalidValueError("--print", settings.print, wanted)
    return settings.replaced(print=None, dpi=dpi, size=size)


def title(pictures: Pictures) -> str:
    """Pictures of one content and style are compared with each other."""
    content, styles = names(pictures)
    return f"{content or 'texture'} in the style of {' + '.join(styles)}"


def names(pictures: Pictures) -> tuple[str, tuple[str, ...]]:
    """Names of the content, "" where there is none, and of the styles."""
    content = Path(pictures.content).stem if pictures.has_content else ""
    return content, tuple(Path(style).stem for style in pictures.styles)


def _usual(settings: StylizationSettings) -> dict[str, Any]:
    """Option -> what it means where it is None."""
    network, convention = find_network(settings.encoder), find_convention(settings.convention)
    # A content without weight is not compared with: then none of its layers is computed.
    compared = settings.content != NO_CONTENT and settings.content_weight != 0
    ours = settings.convention == "relative" and settings.smoothing == "none"  # then w2: see docs/explanation
    style_layers = settings.style_layers or list(catalog.style_layers(network))
    spares_edges = ours and compared and not settings.style_layers and not settings.normalize_gradients
    style_layer_weights = list(catalog.style_layer_weights(network)) if spares_edges else [1.0] * len(style_layers)
    content_layers = (settings.content_layers or list(catalog.content_layers(network))) if compared else []
    usual = {
        "weights": OWN,
        "supersample": usual_supersampling(settings.size),
        "init": "content" if compared else "style_noise",
        "style_weight": convention.style_weight,
        "content_weight": convention.content_weight,
        "tv_weight": convention.tv_weight,
        "style_loss": "w2" if ours else "gram",
        "style_weights": [1.0] * len(settings.styles),
        "learning_rate": _LEARNING_RATES[settings.optimizer],
        "sequence_weight": _SEQUENCE_WEIGHT if settings.is_sequence else 0.0,
        "flow": usual_flow() if settings.is_sequence else NO_FLOW,
        "fourier_decay": _FOURIER_DECAYS[settings.optimizer],
    }
    return {
        **{name: value for name, value in usual.items() if getattr(settings, name) is None},
        "style_layers": style_layers,
        "style_layer_weights": settings.style_layer_weights or style_layer_weights,
        "content_layers": content_layers,
        "content_layer_weights": (compared and settings.content_layer_weights) or [1.0] * len(content_layers),
    }


def _pictures(filled: StylizationSettings) -> Pictures:
    has_content = filled.content != NO_CONTENT
    return Pictures(
        content=filled.content,
        styles=filled.styles,
        style_weights=tuple(filled.style_weights or ()),
        content_mask=tuple(filled.content_mask or ()),
        style_mask=tuple(filled.style_mask or ()),
        colors=filled.colors,
        color_basis=filled.color_basis,
        init=filled.init or "",
        aspect=OF_THE_CONTENT if has_content else filled.aspect or OF_THE_STYLE,
        seed=filled.seed,
        sequence=filled.is_sequence,
        flow=filled.flow or NO_FLOW,
        key_frames=filled.key_frames,
    )


def _look(filled: StylizationSettings) -> Look:
    def weighted(part: str) -> dict[str, float]:
        return dict(zip(getattr(filled, f"{part}_layers"), getattr(filled, f"{part}_layer_weights"), strict=True))

    return _part(Look, filled, style_layers=weighted("style"), content_layers=weighted("content"))


def _hold(settings: StylizationSettings) -> int:
    """L-BFGS needs an objective that stays the same for some steps, Adam does not."""
    return 1 if settings.transforms == "robust" and settings.optimizer == "adam" else STEPS_OF_AN_AUGMENTATION


def _part(kind: type[_Part], filled: StylizationSettings, **more: Any) -> _Part:
    """A part whose fields are options of the same name, and `more`."""
    options = {entry.name: getattr(filled, entry.name) for entry in fields(kind) if entry.name not in more}
    part: _Part = kind(**options, **more)
    return part


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, str) or not isinstance(value, Collection) else list(value)
