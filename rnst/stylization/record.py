"""What is written down about a finished picture."""

import os
import resource
import sys
from pathlib import Path

import torch

from rnst.encoders.encoder import weights_file
from rnst.encoders.names import RANDOM, find_network
from rnst.encoders.weights.files import sha256_of
from rnst.errors import InvalidValueError
from rnst.image.files import fit_long_side, resize
from rnst.image.samples import find_picture
from rnst.metrics.lpips import lpips, lpips_network
from rnst.metrics.scores import score
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.results import Result
from rnst.stylization.inputs import Inputs, picture_size
from rnst.stylization.scale_runner import ScaleOutcome
from rnst.stylization.settings import NO_CONTENT, StylizationSettings

_KIBIBYTE = 1024
_TINY = 1e-12


def describe(settings: StylizationSettings) -> dict[str, object]:
    """All settings, and where the photo and the paintings lie, seen from the picture: a page of results shows them."""
    folder = settings.output.parent.resolve()

    def seen(name: str) -> str:
        return os.path.relpath(find_picture(name).resolve(), folder)

    content = "" if settings.content == NO_CONTENT else seen(settings.content)
    return {**settings.as_dict(), "content_path": content, "style_paths": [seen(name) for name in settings.styles]}


def names(settings: StylizationSettings) -> tuple[str, tuple[str, ...]]:
    """Names of the content, "" where there is none, and of the styles."""
    content = "" if settings.content == NO_CONTENT else Path(settings.content).stem
    return content, tuple(Path(style).stem for style in settings.styles)


def title(settings: StylizationSettings) -> str:
    """Pictures of one content and style are compared with each other."""
    content, styles = names(settings)
    return f"{content or 'texture'} in the style of {' + '.join(styles)}"


def result_of(
    settings: StylizationSettings,
    painted: ScaleOutcome,
    seconds: float,
    scores: dict[str, float],
    described: dict[str, object],
) -> Result:
    """The record of one picture."""
    content, styles = names(settings)
    return Result(
        image=settings.output,
        content=content,
        styles=styles,
        encoder=settings.encoder,
        settings=described,
        seconds=round(seconds, 2),
        peak_memory_bytes=_peak_memory(),
        losses=painted.losses,
        weights_sha256=hash_of(settings),
        size=(painted.image.shape[-1], painted.image.shape[-2]),
        scores=scores,
        finished=painted.finished,
    )


def check_scores(settings: StylizationSettings, inputs: Inputs) -> None:
    """Refuse a picture that could not be measured once it is painted.

    Raises:
        InvalidValueError: too small, or without content.
    """
    if not settings.scores:
        if settings.lpips:
            raise InvalidValueError("--lpips", settings.lpips, "false unless --scores is true")
        return
    if settings.lpips:
        lpips_network()  # what cannot be downloaded is told before the work
    if inputs.photo is None:
        raise InvalidValueError("--scores", settings.scores, "false for a picture without content")
    if min(picture_size(settings, inputs.size)) < SMALLEST_SIDE:
        wanted = f"larger with --scores: both sides need {SMALLEST_SIDE} pixels"
        raise InvalidValueError("--size", settings.size, wanted)


def scores_of(settings: StylizationSettings, inputs: Inputs, painted: ScaleOutcome) -> dict[str, float]:
    """All measures of the finished picture, against the first style at the size at which it was looked at."""
    if not settings.scores or inputs.photo is None:
        return {}
    style = inputs.regions[0].sources[0].image
    size = fit_long_side((style.shape[-2], style.shape[-1]), max(painted.image.shape[-2:]))
    scores = score(painted.image, inputs.photo.image, resize(style, size))
    if settings.lpips:
        scores["lpips"] = lpips(painted.image, inputs.photo.image)
    return {**scores, "style_loss_reduction": painted.first_losses["style"] / max(painted.losses["style"], _TINY)}


def hash_of(settings: StylizationSettings) -> str:
    """Hash of the weight file, or "" where the weights are random or timm keeps them."""
    network = find_network(settings.encoder)
    if settings.weights == RANDOM or (network.source == "timm" and not settings.weights):
        return ""
    return sha256_of(weights_file(network, settings.weights))


def _peak_memory() -> int:
    """Bytes, of the device where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else _KIBIBYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
