"""Paint a photo in the style of a painting: read, load, paint coarse to fine, write."""

import os
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from torch import Tensor

from rnst.callbacks.images import Snapshots
from rnst.callbacks.progress import OnStep, PaintingProgress, StepReports
from rnst.callbacks.tracking import PictureTracker
from rnst.encoders.catalog import find_network
from rnst.encoders.encoder import RANDOM, Encoder, load_encoder, weights_file
from rnst.encoders.plumbing import Plumbing
from rnst.encoders.weights import sha256_of
from rnst.errors import InvalidValueError
from rnst.experiments.output_names import named_by
from rnst.experiments.painter import NoPictureError, Painted, Painter, plan_scales
from rnst.experiments.stylization_settings import StylizationSettings
from rnst.image.io import fit_long_side, read_image, resize, write_image
from rnst.image.samples import find_picture
from rnst.metrics.artifacts import SMALLEST_SIDE
from rnst.metrics.scores import score
from rnst.results import Result

_KIBIBYTE = 1024


class Stylized(NamedTuple):
    """A finished picture.

    Attributes:
        image: (1, 3, H, W) in [0, 1].
        result: what was made, from what and how; `result.image` is the file.
    """

    image: Tensor
    result: Result


def stylize(
    settings: StylizationSettings | None = None,
    *,
    console: Console | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> Stylized:
    """Paint one picture; write it and its sidecar.

    Ctrl-C ends the painting early and keeps the best picture so far.

    Args:
        settings: everything there is to choose; none means the defaults.
        console: where progress is shown; none means standard error.
        on_step: called after each step with its number, the picture (1, 3, H, W) in [0, 1] and the losses by name.
        options: fields of StylizationSettings; they outrank `settings`.

    Raises:
        RnstError: a child of it for every mistake in the input, before any work is done.
        TypeError: an option that StylizationSettings does not have.
    """
    settings = (settings or StylizationSettings()).replaced(**options)
    settings = settings.replaced(output=named_by(settings.output, settings.as_dict()))
    pictures = {name: read_image(find_picture(name)) for name in (settings.content, settings.style)}
    content, style = pictures[settings.content], pictures[settings.style]
    _check_size(settings, content)
    start = _first_picture(settings, content, style)
    settings = _with_layers(settings)
    encoder, facts = _encoder(settings)
    settings.output.parent.mkdir(parents=True, exist_ok=True)  # a folder that cannot be had is told before the work
    described = {**settings.as_dict(), **_sources(settings)}
    began = time.perf_counter()
    tracker = PictureTracker(
        settings.tracking,
        settings.output.parent,
        group=settings.group or f"{_stem(settings.content)} in the style of {_stem(settings.style)}",
        tags=[settings.encoder, _stem(settings.content), _stem(settings.style)],
        config={**described, "weights_facts": facts, "weights_sha256": _hash_of(settings)},
    )
    painted = _paint(settings, Painter(settings, encoder, content, style), start, tracker, console, on_step)
    seconds = round(time.perf_counter() - began, 2)
    result = replace(
        _result(settings, described, painted),
        seconds=seconds,
        scores=_scores(settings, painted.image, content, style),
    )
    write_image(painted.image, settings.output, result.settings)
    result.write()
    tracker.finish(painted.image, painted.losses, result.scores)
    return Stylized(painted.image, result)


def _result(settings: StylizationSettings, described: dict[str, object], painted: Painted) -> Result:
    return Result(
        image=settings.output,
        content=_stem(settings.content),
        styles=(_stem(settings.style),),
        encoder=settings.encoder,
        settings=described,
        seconds=0.0,
        peak_memory_bytes=_peak_memory(),
        losses=painted.losses,
        weights_sha256=_hash_of(settings),
        size=(painted.image.shape[-1], painted.image.shape[-2]),
        finished=painted.finished,
    )


def _paint(
    settings: StylizationSettings,
    painter: Painter,
    start: Tensor,
    tracker: PictureTracker,
    console: Console | None,
    on_step: OnStep | None,
) -> Painted:
    """Coarse to fine, each scale from the picture of the last."""
    console = console or Console(stderr=True)
    plan = plan_scales(painter.size, settings)
    snapshots = Snapshots(settings.output.parent, settings.output.stem, settings.save_every, tracker.show)
    with PaintingProgress(sum(scale.steps for scale in plan), console) as progress:
        watchers: list[Callback] = [progress, snapshots]
        if on_step is not None:
            watchers.append(StepReports(on_step))
        painted = painter.paint(plan[0], start, watchers, tracker.loggers)
        try:
            for scale in plan[1:]:
                if painted.finished:
                    painted = painter.paint(scale, painted.image, watchers, tracker.loggers)
        except (KeyboardInterrupt, NoPictureError):  # before this scale had a picture: that of the last one is kept
            painted = replace(painted, finished=False)
    if not painted.finished:
        console.print("stopped; keeping the best picture so far")
    return painted


def _first_picture(settings: StylizationSettings, content: Tensor, style: Tensor) -> Tensor:
    """What the picture is before the first step, (1, 3, H, W) in [0, 1]."""
    size = fit_long_side((content.shape[-2], content.shape[-1]), settings.size)
    if settings.init == "content":
        return content
    if settings.init == "style":
        return resize(style, size)
    if settings.init == "noise":
        return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(settings.seed))
    return resize(read_image(find_picture(settings.init)), size)


def _with_layers(settings: StylizationSettings) -> StylizationSettings:
    """The encoder's default layers where none are named."""
    network = find_network(settings.encoder)
    return settings.replaced(
        style_layers=settings.style_layers or list(network.style_layers),
        content_layers=settings.content_layers or list(network.content_layers),
    )


def _encoder(settings: StylizationSettings) -> tuple[Encoder, dict[str, object]]:
    layers = list(dict.fromkeys([*(settings.style_layers or []), *(settings.content_layers or [])]))
    return load_encoder(
        find_network(settings.encoder),
        layers,
        weights=settings.weights,
        plumbing=Plumbing(settings.pooling, settings.strides),
        seed=settings.seed,
    )


def _check_size(settings: StylizationSettings, content: Tensor) -> None:
    """Refuse a picture that could not be measured once it is painted."""
    if settings.scores and min(fit_long_side((content.shape[-2], content.shape[-1]), settings.size)) < SMALLEST_SIDE:
        wanted = f"larger with --scores: both sides need {SMALLEST_SIDE} pixels"
        raise InvalidValueError("--size", settings.size, wanted)


def _scores(settings: StylizationSettings, image: Tensor, content: Tensor, style: Tensor) -> dict[str, float]:
    """All measures of the finished picture, against the painting at the size at which it was looked at."""
    if not settings.scores:
        return {}
    size = fit_long_side((style.shape[-2], style.shape[-1]), max(image.shape[-2:]))
    return score(image, content, resize(style, size))


def _sources(settings: StylizationSettings) -> dict[str, object]:
    """Where the photo and the painting lie, seen from the picture: a page of results shows them."""
    content, style = (
        os.path.relpath(find_picture(name).resolve(), settings.output.parent.resolve())
        for name in (settings.content, settings.style)
    )
    return {"content_path": content, "style_paths": [style]}


def _hash_of(settings: StylizationSettings) -> str:
    """Hash of the weight file, or "" where the weights are random or timm keeps them."""
    network = find_network(settings.encoder)
    if settings.weights == RANDOM or (network.source == "timm" and not settings.weights):
        return ""
    return sha256_of(weights_file(network, settings.weights))


def _stem(name: str) -> str:
    return Path(name).stem


def _peak_memory() -> int:
    """Bytes, of the device where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else _KIBIBYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
