"""Style transfer with a single style layer, scored by metrics that use none of the tested networks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import Progress

from rnst.encoders.choice import folders_of
from rnst.errors import InvalidValueError
from rnst.image.files import fit_long_side, read_image
from rnst.image.samples import find_picture
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.results import Result
from rnst.studies.layers.sensitivity import layers_of
from rnst.studies.layers.settings import LayerSettings
from rnst.stylization.job import Job, resolve
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.once import stylized_once
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


def stylize_layers(settings: LayerSettings, console: Console) -> list[LayerPicture]:
    """Make the missing pictures; of several style weights, the automatic pick of sweeps selects the best picture.

    Raises:
        KeyboardInterrupt: the user stopped it; finished pictures are kept.
        RnstError: a network or a picture cannot be loaded.
    """
    weights = settings.style_weights or _USUAL_WEIGHTS
    cells = [
        (name, layer, weight)
        for name, choice in settings.choices.items()
        for layer in layers_of(settings, choice)
        for weight in weights
    ]
    found: dict[tuple[str, str], list[Result]] = {}
    with Progress(console=console) as bar:
        for name, layer, weight in bar.track(cells, description="pictures"):
            found.setdefault((name, layer), []).append(stylized_once(_job(settings, name, layer, weight)))
    return [LayerPicture(name, layer, pick(results)) for (name, layer), results in found.items()]


def check_pictures(settings: LayerSettings) -> None:
    """Refuse pictures that cannot be stylized or measured, before an hour is spent on the layers.

    Raises:
        MissingPathError, UnreadableFileError: a picture cannot be loaded.
        InvalidValueError: a picture is too small.
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


def _job(settings: LayerSettings, name: str, layer: str, weight: float) -> Job:
    choice = settings.choices[name]
    folder = folders_of(settings.choices)[name]
    picture = StylizationSettings(
        content=settings.content,
        style=settings.style,
        output=settings.output / "pictures" / folder / f"{layer}--{weight:g}.png",
        encoder=choice.encoder,
        weights=choice.weights,
        style_layers=[layer],
        style_weight=weight,
        size=settings.size,
        supersample=1.0,  # downsampling the picture would hide the effect of the network
        steps=settings.steps,
        scales=1,
        precision=settings.precision,
        scores=True,
        save_every=0,
        seed=settings.seed,
        group=settings.output.name,
        tracking="off",
    )
    return resolve(picture)
