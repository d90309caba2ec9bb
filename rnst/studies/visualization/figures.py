"""Measurements of visualizations, and their JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rnst.encoders.observed import LOGITS
from rnst.files import written_aside
from rnst.metrics.artifacts import high_frequency_fraction
from rnst.metrics.content_similarity import ssim
from rnst.metrics.gradients import gradient_coherence, gradient_high_frequencies
from rnst.studies.visualization.columns import Subject
from rnst.studies.visualization.settings import NONE


@dataclass(frozen=True)
class Row:
    """The pictures of one network under one set of priors.

    Attributes:
        network: name as it was given.
        priors: priors as they were given.
        objectives: name of each column.
        reached: value of each column's objective for the finished picture, without transforms; averaged over seeds.
        high_frequency_fraction: share of the pictures' energy above 0.25 cycles per pixel; mean.
        high_frequency_fractions: share for each picture, columns within seeds.
        recognized: network -> share of the class pictures that it classifies as the class; includes the own network.
        similarity: SSIM with the target picture, mean; None if there is none.
        prior_cost: mean objective without priors over that of this row; None if either is not positive, or if the row
            without priors is missing.
    """

    network: str
    priors: str
    objectives: tuple[str, ...]
    reached: tuple[float, ...]
    high_frequency_fraction: float
    high_frequency_fractions: tuple[float, ...]
    recognized: Mapping[str, float]
    similarity: float | None = None
    prior_cost: float | None = None


@dataclass(frozen=True)
class Visualization:
    """All results.

    Attributes:
        rows: rows of the sheet.
        gradients: network -> coherence and high-frequency share of its gradients at photos.
        settings: every setting, resolved.
        weights_sha256: network -> hash of its file.
        seconds: wall time.
        versions: versions of the libraries.
    """

    rows: tuple[Row, ...]
    gradients: Mapping[str, Mapping[str, float]]
    settings: Mapping[str, Any]
    weights_sha256: Mapping[str, str]
    seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write as JSON, complete or not at all."""
        with written_aside(path) as aside:
            aside.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


@torch.no_grad()
def measure(subject: Subject, priors: str, images: Tensor, judges: Mapping[str, Tensor]) -> Row:
    """Measure the pictures of a row.

    Args:
        subject: the network that the pictures were optimized for.
        priors: priors of the row.
        images: (seeds * columns, 3, H, W) in [0, 1], on the network's device.
        judges: network -> its logits (seeds * columns, K) of the pictures, for networks with the subject's classes.
    """
    columns = subject.columns
    seeds = len(images) // len(columns)
    features = [subject.network.as_it_is(image.unsqueeze(0)) for image in images]
    values = [columns[number % len(columns)].activation(found) for number, found in enumerate(features)]
    reached = torch.cat(values).view(seeds, len(columns)).mean(0)
    fractions = [high_frequency_fraction(image.unsqueeze(0)) for image in images]
    labels = [column.label for column in columns] * seeds
    asked = [number for number, label in enumerate(labels) if label is not None]
    answers = {name: logits.argmax(1).tolist() for name, logits in judges.items()}
    recognized = {
        name: sum(answer[number] == labels[number] for number in asked) / len(asked)
        for name, answer in answers.items()
        if asked
    }
    shown = [(column.shown, number) for number, column in enumerate(columns) if column.shown is not None]
    alike = [ssim(images[number : number + 1], picture) for picture, number in shown]
    return Row(
        network=subject.name,
        priors=priors,
        objectives=tuple(column.name for column in columns),
        reached=tuple(reached.tolist()),
        high_frequency_fraction=sum(fractions) / len(fractions),
        high_frequency_fractions=tuple(fractions),
        recognized=recognized,
        similarity=sum(alike) / len(alike) if alike else None,
    )


def prior_cost(row: Row, rows: Sequence[Row]) -> float | None:
    """Ratio of the objective without priors to that in `row`; see `Row`."""
    free = [other for other in rows if other.network == row.network and other.priors == NONE]
    if not free or row.priors == NONE:
        return None
    without, with_priors = sum(free[0].reached), sum(row.reached)
    return without / with_priors if without > 0 and with_priors > 0 else None


def gradients_at(subject: Subject, photos: Sequence[Tensor]) -> dict[str, float]:
    """Mean coherence and high-frequency share of the gradients of all objectives at photos (1, 3, H, W)."""
    coherent, high = [], []
    for photo in photos:
        leaf = photo.clone().requires_grad_()
        features = subject.network.as_it_is(leaf)
        for column in subject.columns:
            (gradient,) = torch.autograd.grad(column.activation(features).sum(), leaf, retain_graph=True)
            coherent.append(gradient_coherence(gradient))
            high.append(gradient_high_frequencies(gradient))
    return {
        "gradient_coherence": sum(coherent) / len(coherent),
        "gradient_high_frequency_fraction": sum(high) / len(high),
    }


@torch.no_grad()
def logits_of(subject: Subject, images: Tensor) -> Tensor:
    """Logits (N, K) of images (N, 3, H, W) in [0, 1], one at a time, because all pictures are too large a batch."""
    return torch.cat([subject.network.as_it_is(image.unsqueeze(0))[LOGITS] for image in images])
