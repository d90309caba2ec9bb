"""Textures of one painting by every network under every fix, with their scores."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from rnst.encoders.choice import folders_of
from rnst.encoders.surgery.surgery import NothingToChangeError
from rnst.errors import InvalidValueError
from rnst.image.files import fit_long_side, read_image, resize
from rnst.image.samples import find_picture
from rnst.metrics.scores import artifact_scores
from rnst.metrics.sizes import SMALLEST_SIDE
from rnst.metrics.style_distance import StyleReference
from rnst.studies.artifacts.fixes import FIXES
from rnst.studies.artifacts.settings import ArtifactSettings
from rnst.stylization.combinations import NO_CONTENT
from rnst.stylization.job import Job, resolve
from rnst.stylization.settings import StylizationSettings
from rnst.sweeps.once import stylized_once

STRIPES, CHECKERBOARD = "stripes_db", "nyquist_excess_checkerboard_db"
FINE, STYLE = "high_frequency_fraction", "style_distance"


@dataclass(frozen=True)
class Texture:
    """One texture.

    Attributes:
        encoder: label of the network.
        fix: name of the fix.
        seed: seed of the noise.
        picture: file of the texture.
        scores: STRIPES is the mean of the Nyquist excess of columns and of rows; the others are those of the score
            table.
    """

    encoder: str
    fix: str
    seed: int
    picture: Path
    scores: Mapping[str, float]


def optimize_textures(settings: ArtifactSettings, console: Console) -> list[Texture]:
    """Optimize and measure the missing textures; fixes that change nothing in a network are left out.

    Raises:
        KeyboardInterrupt: the user stopped it; finished textures are kept.
        RnstError: a network or a picture cannot be loaded.
    """
    reference = StyleReference(painting(settings))
    cells = [
        (encoder, fix, seed) for encoder in settings.choices for fix in settings.tried for seed in range(settings.seeds)
    ]
    found = []
    with Progress(console=console) as bar:
        for encoder, fix, seed in bar.track(cells, description="textures"):
            job = _job(settings, encoder, fix, seed)
            try:
                result = stylized_once(job, lambda image: texture_scores(image, reference))
            except NothingToChangeError:
                continue
            found.append(Texture(encoder, fix, seed, result.image, result.scores))
    return found


def painting(settings: ArtifactSettings) -> Tensor:
    """The painting (1, 3, H, W) at the size that the style loss uses.

    Raises:
        InvalidValueError: the painting is too small to be measured.
    """
    image = read_image(find_picture(settings.style))
    size = fit_long_side((image.shape[-2], image.shape[-1]), round(settings.size * settings.style_scale))
    if min(size) < SMALLEST_SIDE:
        wanted = f"larger: the painting has {size[1]} x {size[0]} pixels, and needs {SMALLEST_SIDE} on each side"
        raise InvalidValueError("--style_scale", settings.style_scale, wanted)
    return resize(image, size)


def texture_scores(image: Tensor, reference: StyleReference) -> dict[str, float]:
    """Stride artifacts, fine grain and style distance of a picture (1, 3, H, W) in [0, 1]."""
    scores = artifact_scores(image)
    stripes = (scores["nyquist_excess_columns_db"] + scores["nyquist_excess_rows_db"]) / 2
    return {STRIPES: stripes, **scores, STYLE: reference.distance(image)}


def mean_scores(textures: Sequence[Texture]) -> dict[tuple[str, str], dict[str, float]]:
    """Network and fix -> scores, averaged over seeds."""
    groups: dict[tuple[str, str], list[Mapping[str, float]]] = {}
    for texture in textures:
        groups.setdefault((texture.encoder, texture.fix), []).append(texture.scores)
    return {
        group: {name: sum(one[name] for one in members) / len(members) for name in members[0]}
        for group, members in groups.items()
    }


def _job(settings: ArtifactSettings, encoder: str, fix: str, seed: int) -> Job:
    choice = settings.choices[encoder]
    folder, name = folders_of(settings.choices)[encoder], re.sub(r"[^\w.]+", "-", fix)
    picture = StylizationSettings(
        content=NO_CONTENT,
        style=settings.style,
        output=settings.output / "textures" / folder / f"{name}--{seed}.png",
        encoder=choice.encoder,
        weights=choice.weights,
        size=settings.size,
        supersample=1.0,  # downsampling the picture would hide the effect of the network
        aspect=1.0,
        style_scale=settings.style_scale,
        style_weight=settings.style_weight,
        steps=settings.steps,
        scales=1,
        precision=settings.precision,
        save_every=0,
        seed=seed,
        group=settings.output.name,
        tracking="off",
        **FIXES[fix],
    )
    return resolve(picture)


def zoomed(image: Tensor, side: int = 48, factor: int = 4) -> Tensor:
    """The center of a picture with every pixel as a square, so that the grid is visible: (1, 3, H, W) to the same.

    Args:
        image: (1, 3, H, W).
        side: side of the shown part in pixels.
        factor: side of a square in pixels.
    """
    height, width = image.shape[-2:]
    top, left = (max(0, (length - side) // 2) for length in (height, width))
    part = image[..., top : top + side, left : left + side]
    return torch.repeat_interleave(torch.repeat_interleave(part, factor, dim=-2), factor, dim=-1)
