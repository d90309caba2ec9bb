"""Pictures that maximize activations of networks, with and without priors, side by side."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from textwrap import fill

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from rnst import machine
from rnst.data.class_names import readable
from rnst.encoders.classifier import weight_file
from rnst.encoders.weights.files import sha256_of
from rnst.image.files import write_image
from rnst.losses.activations import EachItsOwn
from rnst.reporting.plots import Caption, picture_table
from rnst.reporting.tracking.run import of_experiment
from rnst.reporting.tracking.tracker import Tracker
from rnst.studies.visualization.ascent import ascend
from rnst.studies.visualization.columns import Subject, first_pictures, load_subject, square_photo
from rnst.studies.visualization.figures import (
    Row,
    Visualization,
    gradients_at,
    logits_of,
    measure,
    prior_cost,
)
from rnst.studies.visualization.settings import ALL, NONE, VisualizationSettings

_VERSIONS = ("torch", "torchvision", "pytorch-lightning")
_LETTERS = 20  # per line above a picture
_TITLES = {NONE: "no priors", ALL: "all priors"}


def visualize(settings: VisualizationSettings, console: Console | None = None) -> Visualization:
    """Optimize the pictures; write sheet.png, visualization.json and every picture.

    Args:
        settings: all settings.
        console: where progress is shown.

    Raises:
        RnstError: the input has a mistake; raised before anything is written.
        KeyboardInterrupt: the user stopped it; nothing was written.
    """
    began = time.perf_counter()
    device = machine.device(settings.accelerator)
    subjects = [load_subject(name, settings, device) for name in settings.networks]
    photos = [] if settings.from_photos else [square_photo(name, settings.size).to(device) for name in settings.photos]
    gradients = {subject.name: gradients_at(subject, photos) for subject in subjects if photos}
    cells = [(subject, priors) for subject in subjects for priors in settings.priors]
    optimized = _optimized(cells, settings, device, console or Console(quiet=True))
    judged = {
        (subject.name, priors): _judged(subject, images, subjects)
        for (subject, priors), images in zip(cells, optimized, strict=True)
    }
    rows = [
        measure(subject, priors, images, judged[subject.name, priors])
        for (subject, priors), images in zip(cells, optimized, strict=True)
    ]
    found = Visualization(
        rows=tuple(replace(row, prior_cost=prior_cost(row, rows)) for row in rows),
        gradients=gradients,
        settings=settings.as_dict(),
        weights_sha256={name: sha256_of(weight_file(name)) for name in settings.networks},
        seconds=round(time.perf_counter() - began, 1),
        versions={name: version(name) for name in _VERSIONS},
    )
    _write(found, settings, subjects, optimized, [judged[row.network, row.priors] for row in rows])
    return found


def _optimized(
    cells: Sequence[tuple[Subject, str]], settings: VisualizationSettings, device: torch.device, console: Console
) -> list[Tensor]:
    """The pictures of each cell, (seeds * columns, 3, H, W); the columns of the first seed come first."""
    steps = [(number, *part) for number, cell in enumerate(cells) for part in _parts(cell[0], settings)]
    found: list[list[Tensor]] = [[] for _ in cells]
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        for number, first, activation in bar.track(steps, description="visualizing"):
            subject, priors = cells[number]
            found[number].append(ascend(subject.network, activation, first.to(device), settings, priors).detach())
    return [torch.cat(parts) for parts in found]


def _parts(subject: Subject, settings: VisualizationSettings) -> Iterator[tuple[Tensor, EachItsOwn]]:
    """Initial pictures and activations of a row, in batches."""
    columns = len(subject.columns)
    first = torch.cat([first_pictures(settings, columns, seed) for seed in range(settings.pictures)])
    activations = [column.activation for column in subject.columns] * settings.pictures
    for start in range(0, len(first), settings.batch):
        end = start + settings.batch
        yield first[start:end], EachItsOwn(activations[start:end])


def _judged(subject: Subject, images: Tensor, subjects: Sequence[Subject]) -> dict[str, Tensor]:
    """Logits of the pictures by all networks with the same classes, the own one first."""
    judges = [subject, *(other for other in subjects if other is not subject and other.classes == subject.classes)]
    return {judge.name: logits_of(judge, images).cpu() for judge in judges}


def _write(
    found: Visualization,
    settings: VisualizationSettings,
    subjects: Sequence[Subject],
    optimized: Sequence[Tensor],
    judged: Sequence[Mapping[str, Tensor]],
) -> None:
    """Write pictures, sheet and numbers, and the tracker's run."""
    by_name = {subject.name: subject for subject in subjects}
    pictures: dict[str, list[Tensor]] = {}
    captions: dict[str, list[Caption]] = {}
    shown = [column.shown for column in subjects[0].columns]
    if all(picture is not None for picture in shown):
        pictures["mixed pixels" if settings.interpolate else "photo"] = [
            picture for picture in shown if picture is not None
        ]
    for row, images, answers in zip(found.rows, optimized, judged, strict=True):
        subject = by_name[row.network]
        title = f"{Path(row.network).stem}\n{_TITLES.get(row.priors, row.priors)}"
        pictures[title] = [image.unsqueeze(0).cpu() for image in images[: len(subject.columns)]]
        captions[title] = _captions(subject, row, answers, named=len(_asked(subjects)) > 1)
        _write_pictures(row, images, settings)
    sheet = settings.output / "sheet.png"
    picture_table(sheet, pictures, captions, _top(subjects))
    found.write(settings.output / "visualization.json")
    _track(found, settings, sheet)


def _top(subjects: Sequence[Subject]) -> list[str]:
    """Titles of the columns: the objectives if all networks share them, otherwise numbers."""
    names = _asked(subjects)
    if len(names) == 1:
        return [fill(name, _LETTERS) for name in names.pop()]
    return [str(number + 1) for number in range(max(map(len, names)))]


def _asked(subjects: Sequence[Subject]) -> set[tuple[str, ...]]:
    """The distinct lists of objectives."""
    return {tuple(column.name for column in subject.columns) for subject in subjects}


def _captions(subject: Subject, row: Row, answers: Mapping[str, Tensor], *, named: bool) -> list[Caption]:
    """Caption of each picture: the class predicted by the last network, or the objective's value without a class."""
    judge = [*answers.values()][-1]
    captions: list[Caption] = []
    for number, column in enumerate(subject.columns):
        if column.label is None:
            captions.append((f"{column.name + ': ' if named else ''}{row.reached[number]:.3g}", True))
            continue
        probabilities = judge[number].softmax(0)
        label = int(probabilities.argmax())
        captions.append((f"{readable(subject.classes[label])} {probabilities[label]:.0%}", label == column.label))
    return captions


def _write_pictures(row: Row, images: Tensor, settings: VisualizationSettings) -> None:
    for number, image in enumerate(images):
        seed, column = divmod(number, len(row.objectives))
        name = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in row.objectives[column])
        folder = settings.output / "pictures" / f"{Path(row.network).stem}--{row.priors}"
        write_image(image.unsqueeze(0), folder / f"{column:02d}-{name}-{seed}.png")


def _track(found: Visualization, settings: VisualizationSettings, sheet: Path) -> None:
    config = {**found.settings, "weights_sha256": found.weights_sha256}
    tags = [*settings.priors, settings.optimizer, f"{settings.size} px"]
    tracker = Tracker(settings.tracking, settings.output, of_experiment("visualize", settings.output, config, tags))
    for step, row in enumerate(found.rows):
        start = f"{Path(row.network).stem}/{row.priors}"
        figures = {
            "high_frequency_fraction": row.high_frequency_fraction,
            "objective": sum(row.reached) / len(row.reached),
            **{f"recognized by {Path(name).stem}": share for name, share in row.recognized.items()},
            **{name: value for name in ("similarity", "prior_cost") if (value := getattr(row, name)) is not None},
            **found.gradients.get(row.network, {}),
        }
        tracker.metrics({f"{start}/{name}": value for name, value in figures.items()}, step)
    tracker.figure("sheet", sheet, len(found.rows))
    tracker.finish()
