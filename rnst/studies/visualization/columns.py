"""The columns of a sheet: the objectives of one network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rnst.data.class_names import class_names, readable
from rnst.encoders.observed import LOGITS, Waking, load_observed
from rnst.image.files import fit_short_side, read_image, resize
from rnst.image.samples import find_picture
from rnst.losses.activation_text import parse_activation
from rnst.losses.activations import Activation
from rnst.losses.units import Channel, Closeness
from rnst.studies.visualization.settings import GRAY, NOISE, VisualizationSettings

_MOST_CLASSES = 10
_GRAIN = 0.05  # contrast of the initial noise: that of the notebooks of Engstrom et al. 2019


@dataclass(frozen=True)
class Column:
    """One objective.

    Attributes:
        name: title above the pictures.
        activation: activation to maximize.
        label: class that the picture should then show; None unless the objective is a class.
        shown: target picture (1, 3, H, W) in [0, 1], if there is one.
    """

    name: str
    activation: Activation
    label: int | None = None
    shown: Tensor | None = None


@dataclass(frozen=True)
class Subject:
    """A network to visualize.

    Attributes:
        name: name as it was given.
        network: features of all layers that the columns use, and logits.
        classes: a name for each logit, see `class_names`.
        columns: objectives.
    """

    name: str
    network: Waking
    classes: tuple[str, ...]
    columns: tuple[Column, ...]


def load_subject(name: str, settings: VisualizationSettings, device: torch.device) -> Subject:
    """Load a network, and build its columns.

    Raises:
        RnstError: the input has a mistake.
    """
    texts = settings.objectives_of.get(name, settings.objectives)
    layers = [settings.layer] if settings.from_photos else _layers(texts or [])
    encoder, facts = load_observed(
        name, [*layers, LOGITS], architecture=settings.architecture, fake_last=settings.fake_last
    )
    network = Waking(encoder, settings.redirect).to(device)
    classes = class_names(facts.get("classes"), facts["logits"])
    if settings.from_photos:
        columns = _photo_columns(settings, network, device)
    else:
        columns = [_column(text, classes) for text in texts or _every_class(classes)]
    return Subject(name, network, classes, tuple(columns))


def first_pictures(settings: VisualizationSettings, count: int, seed: int) -> Tensor:
    """Initial pictures, (count, 3, size, size) in [0, 1]; the same seed gives the same pictures for every network."""
    shape = (count, 3, settings.size, settings.size)
    if settings.start == NOISE:
        generator = torch.Generator().manual_seed(settings.seed + seed)
        return (0.5 + _GRAIN * torch.randn(shape, generator=generator)).clamp(0.0, 1.0)
    if settings.start == GRAY:
        return torch.full(shape, 0.5)
    return square_photo(settings.start, settings.size).expand(shape).clone()


def square_photo(name: str, side: int) -> Tensor:
    """Center crop of a photo or a sample, (1, 3, side, side) in [0, 1].

    Raises:
        MissingPathError, UnreadableFileError: the photo cannot be read.
    """
    photo = read_image(find_picture(name))
    small = resize(photo, fit_short_side((photo.shape[-2], photo.shape[-1]), side))
    top, left = ((length - side) // 2 for length in small.shape[-2:])
    return small[..., top : top + side, left : left + side].contiguous()


def _layers(texts: Sequence[str]) -> list[str]:
    """Layers that objectives use; names of classes are not checked yet."""
    found = [layer for text in texts for layer in parse_activation(text).layers]
    return [layer for layer in dict.fromkeys(found) if layer != LOGITS]


def _column(text: str, classes: Sequence[str]) -> Column:
    activation = parse_activation(text, classes)
    if isinstance(activation, Channel) and activation.layer == LOGITS:
        return Column(readable(classes[activation.channel]), activation, activation.channel)
    return Column(text, activation)


def _every_class(classes: Sequence[str]) -> list[str]:
    return [f"class:{number}" for number in range(min(len(classes), _MOST_CLASSES))]


@torch.no_grad()
def _photo_columns(settings: VisualizationSettings, network: Waking, device: torch.device) -> list[Column]:
    """Features of photos, or interpolations between those of two photos, measured in this network."""
    names = settings.invert or settings.interpolate
    photos = [square_photo(name, settings.size) for name in names]
    seen = [network.as_it_is(photo.to(device)) for photo in photos]
    if settings.invert:
        return [
            Column(name, Closeness(settings.layer, features[settings.layer]), int(features[LOGITS].argmax()), photo)
            for name, photo, features in zip(names, photos, seen, strict=True)
        ]
    shares = [stage / (settings.stages - 1) for stage in range(settings.stages)]
    ends = [features[settings.layer] for features in seen]
    return [
        Column(
            f"{share:.2g}",
            Closeness(settings.layer, torch.lerp(ends[0], ends[1], share)),
            shown=torch.lerp(photos[0], photos[1], share),
        )
        for share in shares
    ]
