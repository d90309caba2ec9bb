"""Robustness of representations by layer: largest changes, entropies, and style transfer with one style layer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from rnst.data.evaluation_photos import EvaluationPhotos
from rnst.data.sources import FolderSource, subfolders
from rnst.errors import MissingPathError
from rnst.files import write_json
from rnst.reporting.tracking.run import of_experiment
from rnst.reporting.tracking.tracker import Tracker
from rnst.studies.layers.report import draw_curves, draw_sheet, rows
from rnst.studies.layers.sensitivity import LayerReport, layers_of, measure_layer
from rnst.studies.layers.settings import LayerSettings
from rnst.studies.layers.stylizing import LayerPicture, check_pictures, stylize_layers


@dataclass(frozen=True)
class LayerRobustness:
    """Results of the study.

    Attributes:
        settings: settings of the study.
        reports: network by network, from the first layer to the deepest.
        pictures: one for each report; empty if none were requested.
    """

    settings: LayerSettings
    reports: Sequence[LayerReport]
    pictures: Sequence[LayerPicture]

    def rows(self) -> list[dict[str, object]]:
        """One row for each network and layer."""
        return rows(self.reports, self.pictures)


def measure_layers(settings: LayerSettings, console: Console | None = None) -> LayerRobustness:
    """Measure layers, stylize pictures, write layers.json and the figures.

    Args:
        settings: all settings.
        console: where progress is shown; None means standard error.

    Raises:
        RnstError: photos, networks or pictures cannot be loaded.
        KeyboardInterrupt: the user stopped it; finished pictures are kept.
    """
    console = console or Console(stderr=True)
    choices = settings.choices.items()
    cells = [(name, choice, layer) for name, choice in choices for layer in layers_of(settings, choice)]
    if settings.pictures:
        check_pictures(settings)
    photos = read_photos(settings)
    with Progress(console=console) as bar:
        reports = [measure_layer(*cell, photos, settings) for cell in bar.track(cells, description="layers")]
    pictures = stylize_layers(settings, console) if settings.pictures else []
    found = LayerRobustness(settings, reports, pictures)
    _write(found)
    return found


def read_photos(settings: LayerSettings) -> Tensor:
    """Center crops of the selected photos, (N, 3, S, S) in [0, 1].

    Raises:
        MissingPathError: there are no photos.
    """
    folder = settings.data / settings.split
    if not folder.is_dir():
        raise MissingPathError(folder, "folder of photos", "Give --data the folder that holds it.")
    classes = subfolders(folder)
    photos = EvaluationPhotos(
        FolderSource(settings.data, {name: (name,) for name in classes}),
        split=settings.split,
        image_size=settings.image_size,
        crop="resized",
        photos=settings.photos,
        batch_size=settings.batch_size,
        workers=0,
    )
    images = torch.stack([photos.chosen[index][0] for index in range(len(photos.chosen))])
    return images.float().div_(255.0)


def _write(found: LayerRobustness) -> None:
    """Write the numbers as JSON, the pictures, and both to the tracker."""
    settings, folder = found.settings, found.settings.output
    drawn = [folder / "layers.png"]
    draw_curves(found.reports, found.pictures, settings.image_size, drawn[0])
    if found.pictures:
        drawn.append(folder / "sheet.png")
        draw_sheet(found.pictures, drawn[1])
    photos: list[Mapping[str, object]] = [asdict(one) for one in found.reports]
    content = {"layers": found.rows(), "every_photo": photos, "settings": settings.as_dict()}
    versions = {name: version(name) for name in ("torch", "torchvision")}
    write_json(folder / "layers.json", {**content, "versions": versions})
    tracker = Tracker(settings.tracking, folder, of_experiment("layers", folder, settings.as_dict()))
    tracker.report({"table": found.rows()}, {path.stem: path for path in drawn})
