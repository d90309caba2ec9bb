"""What experiment trackers are given about a picture: its name, and its settings in groups, without paths."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rnst.reporting.tracking.pictures import PictureTracker
from rnst.reporting.tracking.run import Run, program, without_places
from rnst.stylization.inputs import Inputs
from rnst.stylization.job import Job, names

_NOT_LOGGED = ("output", "quality", "depth", "metadata", "dpi", "resume", "group", "tracking", "tracking_folder")


def open_tracker(job: Job, facts: Mapping[str, object], weights_sha256: str) -> PictureTracker:
    """The trackers of a picture; none if the job chooses none.

    Args:
        job: of the picture.
        facts: facts of the weight file.
        weights_sha256: hash of the weight file.
    """
    records = job.records
    folder = records.output.parent if records.tracking_folder is None else Path(records.tracking_folder)
    network = {"weights_sha256": weights_sha256, "facts": dict(facts)}
    return PictureTracker(records.tracking, folder, run_of(job, network), _label(job, folder))


def run_of(job: Job, network: Mapping[str, object]) -> Run:
    """Name, group, tags and settings of a picture's run.

    Args:
        job: of the picture.
        network: further facts of the group "network".
    """
    content, styles = names(job.pictures)
    network_name = job.network.encoder
    weight = f"w{job.look.style_weight:g}"
    return Run(
        name=f"{content or 'texture'} x {' + '.join(styles)} | {network_name} | {weight}",
        job_type="stylize",
        group=job.records.group,
        tags=[network_name, *filter(None, (content, *styles))],
        config=_config(job, network),
    )


def _config(job: Job, network: Mapping[str, object]) -> dict[str, Any]:
    content, styles = names(job.pictures)
    pictures = {**asdict(job.pictures), "content": content, "styles": list(styles)}
    parts = {
        "pictures": pictures,
        "network": {**asdict(job.network), **network, "surgery": asdict(job.surgery)},
        "loss": asdict(job.look),
        "image": {**asdict(job.resolution), **asdict(job.parametrization)},
        "optimizer": asdict(job.optimizer),
        "augmentations": asdict(job.augmentations),
        "machine": asdict(job.limits),
        "records": {name: value for name, value in asdict(job.records).items() if name not in _NOT_LOGGED},
    }
    return {**{name: without_places(part) for name, part in parts.items()}, "versions": program()}


def _label(job: Job, folder: Path) -> str:
    """The picture's own folder among the metrics of several."""
    path = job.records.output.with_suffix("").resolve()
    root = folder.resolve()
    parts = path.relative_to(root).parts if path.is_relative_to(root) else (path.name,)
    return "--".join(parts)


def log_inputs(tracker: PictureTracker, inputs: Inputs) -> None:
    """Log photo and paintings once."""
    styles = {id(source.image): source.image for region in inputs.regions for source in region.sources}.values()
    content = {} if inputs.photo is None else {"content": inputs.photo.image}
    tracker.inputs({**content, **{f"style{number or ''}": image for number, image in enumerate(styles)}})
