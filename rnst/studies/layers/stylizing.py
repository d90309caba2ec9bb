"""Style transfer that looks at the style through one layer alone, scored by what no network under test computes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track

from rnst.errors import InvalidValueError
from rnst.image.files import fit_long_side, read_image
from rnst.image.samples import find_picture
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.results import Result
from rnst.studies.layers.sensitivity import layers_of
from rnst.studies.layers.settings import LayerSettings
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.once import painted_once
from rnst.sweeps.picking import pick

_USUAL_WEIGHTS = (10.0,)


@dataclass(frozen=True)
class LayerPicture:
    """The best picture of one layer.

    Attributes:
        encoder: name of the network as it was given.
        layer: the only style layer.
        result: the picture and its scores.
    """

    encoder: str
    layer: str
    result: Result


def paint_layers(settings: LayerSettings, console: Console) -> list[LayerPicture]:
    """Paint what is not there yet; of several style weights the pick of the sweeps' rule counts.

    Raises:
        KeyboardInterrupt: stopped; what is finished is kept.
        RnstError: a child of it where a network or a picture cannot be had.
    """
    weights = settings.style_weights or _USUAL_WEIGHTS
    cells = [
        (name, layer, weight)
        for name, choice in settings.choices.items()
        for layer in layers_of(settings, choice)
        for weight in weights
    ]
    painted: dict[tuple[str, str], list[Result]] = {}
    for name, layer, weight in track(cells, "pictures", console=console):
        painted.setdefault((name, layer), []).append(painted_once(_settings(settings, name, layer, weight)))
    return [LayerPicture(name, layer, pick(results)) for (name, layer), results in painted.items()]


def check_pictures(settings: LayerSettings) -> None:
    """Refuse pictures that could not be painted or measured, before an hour is spent on the layers.

    Raises:
        MissingPathError, UnreadableFileError: a picture cannot be had.
        InvalidValueError: too small.
    """
    find_picture(settings.style)
    content = read_image(find_picture(settings.content))
    size = fit_long_side((content.shape[-2], content.shape[-1]), settings.size)
    if min(size) < SMALLEST_SIDE:
        wanted = f"larger: pictures of {size[1]} x {size[0]} pixels have less than {SMALLEST_SIDE} on one side"
        raise InvalidValueError("--size", settings.size, wanted)


def scores_by_layer(pictures: Sequence[LayerPicture]) -> dict[tuple[str, str], Mapping[str, float]]:
    """Network and layer -> scores."""
    return {(one.encoder, one.layer): one.result.scores for one in pictures}


def _settings(settings: LayerSettings, name: str, layer: str, weight: float) -> StylizationSettings:
    choice = settings.choices[name]
    folder = re.sub(r"[^\w.]+", "-", choice.label)
    return StylizationSettings(
        content=settings.content,
        style=settings.style,
        output=settings.output / "pictures" / folder / f"{layer}--{weight:g}.png",
        encoder=choice.encoder,
        weights=choice.weights,
        style_layers=[layer],
        style_weight=weight,
        size=settings.size,
        supersample=1.0,  # what the network does to the picture is measured, not what a reduction leaves of it
        steps=settings.steps,
        scales=1,
        precision=settings.precision,
        scores=True,
        save_every=0,
        seed=settings.seed,
        group=settings.output.name,
        tracking="off",
    )
