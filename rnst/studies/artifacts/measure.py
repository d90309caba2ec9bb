"""Sources of checkerboards and the effect of fixes: gradients by position on the grid of strides, and textures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from rich.console import Console

from rnst import machine
from rnst.encoders.catalog import stages
from rnst.encoders.choice import Choice
from rnst.encoders.encoder import load_encoder
from rnst.encoders.surgery.surgery import NothingToChangeError
from rnst.errors import InvalidValueError
from rnst.files import write_json
from rnst.image.files import read_image
from rnst.image.samples import find_picture
from rnst.metrics.style_distance import StyleReference
from rnst.reporting.tracking.run import of_experiment
from rnst.reporting.tracking.tracker import Tracker
from rnst.studies.artifacts.gradient_phases import Overlap, Phases, gradient_phases, overlaps, random_crops
from rnst.studies.artifacts.plumbing import changes_network, plumbing_of
from rnst.studies.artifacts.report import draw_bars, draw_sheet
from rnst.studies.artifacts.settings import ArtifactSettings
from rnst.studies.artifacts.textures import Texture, mean_scores, optimize_textures, painting, texture_scores

_CROPS = 4


@dataclass(frozen=True)
class Artifacts:
    """Results of the study.

    Attributes:
        settings: settings of the study.
        overlaps: single convolutions, closed form and measurement.
        gradients: network -> fix -> layer -> pattern of its gradient.
        textures: one for each network, fix and seed; empty if none were requested.
        painting: scores of the painting itself.
    """

    settings: ArtifactSettings
    overlaps: Sequence[Overlap]
    gradients: Mapping[str, Mapping[str, Mapping[str, Phases]]]
    textures: Sequence[Texture]
    painting: Mapping[str, float]

    def gradient_rows(self) -> list[dict[str, object]]:
        """One row for each network, fix and layer."""
        return [
            {"encoder": encoder, "fix": fix, "layer": layer, **asdict(phases)}
            for encoder, fixes in self.gradients.items()
            for fix, layers in fixes.items()
            for layer, phases in layers.items()
        ]

    def texture_rows(self) -> list[dict[str, object]]:
        """One row for each network and fix, the mean over seeds."""
        means = mean_scores(self.textures)
        return [{"encoder": encoder, "fix": fix, **scores} for (encoder, fix), scores in means.items()]


def find_artifacts(settings: ArtifactSettings, console: Console | None = None) -> Artifacts:
    """Measure gradients, optimize textures, write artifacts.json and the figures.

    Args:
        settings: all settings.
        console: where progress is shown; None means standard error.

    Raises:
        RnstError: a network or a picture cannot be loaded; raised before any texture is made.
        KeyboardInterrupt: the user stopped it; finished textures are kept, and the same settings resume.
    """
    console = console or Console(stderr=True)
    style = painting(settings)
    gradients = {name: _gradients(settings, choice) for name, choice in settings.choices.items()}
    textures = optimize_textures(settings, console) if settings.textures else []
    found = Artifacts(settings, overlaps(), gradients, textures, texture_scores(style, StyleReference(style)))
    _write(found)
    return found


def _gradients(settings: ArtifactSettings, choice: Choice) -> dict[str, dict[str, Phases]]:
    """Fix -> layer -> pattern, for the fixes that change this network."""
    photo = read_image(find_picture(settings.photo))
    if min(photo.shape[-2:]) < settings.size:
        raise InvalidValueError("--photo", settings.photo, f"a picture of at least {settings.size} pixels a side")
    device = machine.device()
    crops = random_crops(photo, settings.size, _CROPS).to(device)
    layers = stages(choice.network)
    found = {}
    for fix in filter(changes_network, settings.tried):
        try:
            encoder, _ = load_encoder(choice.network, layers, weights=choice.weights, surgery=plumbing_of(fix))
        except NothingToChangeError:
            continue
        found[fix] = gradient_phases(encoder.to(device), crops, settings.cotangents)
    return found


def _write(found: Artifacts) -> None:
    """Write the numbers as JSON, the pictures, and both to the tracker."""
    settings, folder = found.settings, found.settings.output
    drawn = []
    if found.textures:
        drawn = [folder / "artifacts.png", folder / "sheet.png"]
        draw_bars(found.textures, found.painting, drawn[0])
        draw_sheet(found.textures, painting(settings), drawn[1])
    tables: dict[str, Sequence[Mapping[str, object]]] = {
        "overlaps": [asdict(overlap) for overlap in found.overlaps],
        "gradients": found.gradient_rows(),
        "textures": found.texture_rows(),
    }
    seeds = [{**asdict(one), "picture": str(one.picture.relative_to(folder))} for one in found.textures]
    versions = {name: version(name) for name in ("torch", "torchvision")}
    content = {**tables, "painting": found.painting, "every_texture": seeds, "settings": settings.as_dict()}
    write_json(folder / "artifacts.json", {**content, "versions": versions})
    filled = {name: rows for name, rows in tables.items() if rows}
    tracker = Tracker(settings.tracking, folder, of_experiment("artifacts", folder, settings.as_dict()))
    tracker.report(filled, {path.stem: path for path in drawn})
