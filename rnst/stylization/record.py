"""The record of a finished picture, and whether an existing picture is the requested one."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rnst.encoders.encoder import weights_file
from rnst.encoders.names import OWN, RANDOM, find_network
from rnst.encoders.weights.files import sha256_of
from rnst.errors import InvalidValueError, RnstError
from rnst.image.color_basis import DECORRELATED, RGB
from rnst.image.color_matching import gray_like
from rnst.image.files import fit_long_side, is_picture, pictures_in, resize
from rnst.image.samples import find_picture, sample_path
from rnst.machine import peak_bytes
from rnst.metrics.lpips import lpips, lpips_network
from rnst.metrics.scores import score
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.results import Result, sidecar_of
from rnst.stylization.combinations import NO_CONTENT
from rnst.stylization.inputs import Inputs, content_size
from rnst.stylization.job import Job, names
from rnst.stylization.parts import INITS, NetworkChoice, Pictures, Size
from rnst.stylization.scale_runner import ScaleOutcome
from rnst.stylization.state import remove_state

# Options that may differ between two runs that make the same picture.
NOT_OF_THE_PICTURE = (
    *(
        "output",
        "quality",
        "depth",
        "metadata",
        "dpi",
        "print",
        "save_every",
        "resume",
        "scores",
        "lpips",
        "group",
        "tracking",
        "tracking_folder",
    ),
    *("tile", "memory", "devices"),
)
# Options that name files: they are compared by the contents of the files, so that folders can be relocated.
_OF_FILES = {
    **dict.fromkeys(("style", "content_mask", "style_mask", "content_path", "style_paths"), ()),
    "content": (NO_CONTENT,),
    "init": INITS,
    "color_basis": (RGB, DECORRELATED),
    "weights": (RANDOM, OWN),
}
_TINY = 1e-12


def describe(job: Job) -> dict[str, object]:
    """All options, and the paths of photo and paintings relative to the picture, which a page of results shows."""
    folder, pictures = job.records.output.parent.resolve(), job.pictures

    def seen(name: str) -> str:
        return os.path.relpath(find_picture(name).resolve(), folder)

    content = seen(pictures.content) if pictures.has_content else ""
    return {**job.as_dict(), "content_path": content, "style_paths": [seen(name) for name in pictures.styles]}


def result_of(
    job: Job,
    outcome: ScaleOutcome,
    seconds: float,
    scores: dict[str, float],
    described: dict[str, object],
    sources: dict[str, list[str]],
) -> Result:
    """The record of one picture; options that depend on free memory have the values that were used."""
    content, styles = names(job.pictures)
    return Result(
        image=job.records.output,
        content=content,
        styles=styles,
        encoder=job.network.encoder,
        settings={**described, "tile": outcome.tile},
        seconds=round(seconds, 2),
        peak_memory_bytes=peak_bytes(),
        losses=outcome.losses,
        weights_sha256=hash_of(job.network),
        sources_sha256=sources,
        size=(outcome.image.shape[-1], outcome.image.shape[-2]),
        scores=scores,
        finished=outcome.finished,
    )


def finished(job: Job) -> Result | None:
    """The result of an earlier run that finished the requested picture with the requested scores.

    A state that is left beside it, because the run was killed as it ended, is removed.
    """
    result, records = earlier(job), job.records
    if result is None or not result.finished:
        return None
    measured = not records.scores or (result.scores and ("lpips" in result.scores or not records.lpips))
    if not (measured and is_picture(records.output)):
        return None
    remove_state(records.output)
    return result


def earlier(job: Job) -> Result | None:
    """The result of an earlier run of the same picture, finished or stopped.

    It is the same picture if all resolved options are equal except NOT_OF_THE_PICTURE, and if the weights and pictures
    that were read have the same content.
    """
    output = job.records.output
    sidecar = sidecar_of(output)
    if not (sidecar.is_file() and output.is_file()):
        return None
    try:
        result = Result.read(sidecar)
        # Sidecars are JSON, in which a tuple is a list.
        asked = json.loads(json.dumps(job.at(content_size(job.pictures)).as_dict()))
        same = (
            differing_option(asked, result.settings) is None
            and dict(result.sources_sha256) == hashes_of(job.pictures)
            and result.weights_sha256 == hash_of(job.network)
        )
    except (RnstError, OSError):  # the run that makes the picture reports it
        return None
    return result if same else None


def differing_option(asked: Mapping[str, object], made: Mapping[str, object]) -> str | None:
    """The first option by which a picture that was made is another one than the one that is asked for.

    Options that name files are equal here if both name one; hashes compare what is in them.

    Args:
        asked: option -> resolved value as JSON has it.
        made: the same of the picture that was made.
    """
    for name in asked.keys() - set(NOT_OF_THE_PICTURE):
        values = asked[name], made.get(name)
        if name in _OF_FILES:
            values = values[0] in _OF_FILES[name] and values[0], values[1] in _OF_FILES[name] and values[1]
        if values[0] != values[1]:
            return name
    return None


def check_resumable(described: Mapping[str, object], stopped: Mapping[str, object]) -> None:
    """Refuse to go on with a picture that was stopped with other settings, weights or pictures.

    Args:
        described: option -> value of the picture that is asked for, with hashes of its files.
        stopped: the same of the picture that was stopped.

    Raises:
        InvalidValueError: they differ.
    """
    asked = json.loads(json.dumps(dict(described), default=str))
    hashes = {name: asked.pop(name) for name in ("weights_sha256", "sources_sha256")}
    name = differing_option(asked, stopped)
    if name is not None:
        wanted = f"{stopped.get(name)!r}, as in the stopped run, to go on with --resume"
        raise InvalidValueError(f"--{name}", asked[name], wanted)
    if any(stopped.get(name) != value for name, value in hashes.items()):
        raise InvalidValueError("--resume", "true", "false: files that it reads have changed since")


def check_scores(job: Job, inputs: Inputs) -> None:
    """Refuse a picture that could not be measured once it is finished.

    Raises:
        InvalidValueError: too small, or without content.
    """
    records = job.records
    if not records.scores:
        if records.lpips:
            raise InvalidValueError("--lpips", records.lpips, "false unless --scores is true")
        return
    if records.lpips:
        lpips_network()  # a failed download is reported before the work
    if inputs.photo is None:
        raise InvalidValueError("--scores", records.scores, "false for a picture without content")
    check_scored_size(job, inputs.size)


def check_scored_size(job: Job, content: Size) -> None:
    """Refuse a picture that is too small for the scores.

    Args:
        job: of the picture.
        content: height and width of its content in pixels.

    Raises:
        InvalidValueError: names the size.
    """
    if min(job.resolution.delivered(content)) < SMALLEST_SIDE:
        wanted = f"larger with --scores: both sides need {SMALLEST_SIDE} pixels"
        raise InvalidValueError("--size", job.resolution.size, wanted)


def scores_of(job: Job, inputs: Inputs, outcome: ScaleOutcome) -> dict[str, float]:
    """All measures of the finished picture, against the first style at the size of its long side.

    The style has the colors that the picture should have; where those are of the photo, both are compared in gray.
    """
    records, image = job.records, outcome.image
    if not records.scores or inputs.photo is None:
        return {}
    if job.pictures.colors == "luminance":
        image = gray_like(image, image)
    style = inputs.regions[0].sources[0].image
    size = fit_long_side((style.shape[-2], style.shape[-1]), max(outcome.image.shape[-2:]))
    scores = score(image, inputs.photo.image, resize(style, size))
    if records.lpips:
        scores["lpips"] = lpips(outcome.image, inputs.photo.image)
    return {**scores, "style_loss_reduction": outcome.first_losses["style"] / max(outcome.losses["style"], _TINY)}


def hash_of(network: NetworkChoice) -> str:
    """Hash of the weight file, or "" where the weights are random or timm keeps them."""
    row = find_network(network.encoder)
    if network.weights == RANDOM or (row.source == "timm" and network.weights == OWN):
        return ""
    return sha256_of(weights_file(row, None if network.weights == OWN else network.weights))


def hashes_of(pictures: Pictures) -> dict[str, list[str]]:
    """Option -> SHA-256 of each file that it names.

    Raises:
        MissingPathError: there is no such file.
    """
    named = {
        "content": [pictures.content] if pictures.has_content else [],
        "style": pictures.styles,
        "content_mask": pictures.content_mask,
        "style_mask": pictures.style_mask,
        "init": [] if pictures.init in INITS else [pictures.init],
        "follows": [pictures.follows] if pictures.follows else [],
    }
    found = {option: [sha256_of(find_picture(name)) for name in files] for option, files in named.items() if files}
    if pictures.color_basis not in {RGB, DECORRELATED}:
        path = sample_path(pictures.color_basis) or Path(pictures.color_basis)
        found["color_basis"] = [sha256_of(file) for file in (pictures_in(path) if path.is_dir() else [path])]
    return found
