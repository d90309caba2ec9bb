"""Finished or running trainings, pictures and sweeps as they lie on disk, read for a comparison."""

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from rnst.errors import MissingPathError, RnstError, UnreadableFileError
from rnst.reporting.gallery.page import read_results
from rnst.reporting.gallery.pictures import picture_type
from rnst.reporting.metric_tables import Points, curve_of, read_rows
from rnst.reporting.tracking.run import without_places
from rnst.results import Result, sidecar_of
from rnst.yaml_files import read_yaml

TRAINING, PICTURE, SWEEP = "Trainings", "Pictures", "Sweeps"
OF_THE_PICKS = " of the picks, "
"""Between a score and the network that it is the mean of."""

_CURVES = {
    "val/accuracy_clean": "accuracy, clean",
    "val/accuracy_attacked": "accuracy, attacked",
    "train/loss": "training loss",
    "train/accuracy_attacked": "training accuracy, attacked",
    "train/learning_rate": "learning rate",
    "train/radius": "radius in use",
}
_VALUES = ("test/accuracy_clean", "test/accuracy_attacked", "val/accuracy_clean", "val/accuracy_attacked", "train/loss")
_SPEED = "perf/images_per_second"
_NOT_COMPARED = re.compile(r"(^|\.)(paths?$|.*_paths?$|callbacks|logger|resume|print_config|enable_\w+)")
_PICKED = "picked"
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison.

    Attributes:
        name: of its file or folder.
        kind: TRAINING, PICTURE or SWEEP.
        settings: dotted name -> value as text, without paths.
        curves: label -> positions and values.
        values: label -> final value.
        pictures: caption -> file.
    """

    name: str
    kind: str
    settings: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, Points] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, Path] = field(default_factory=dict)


def read_run(path: Path) -> ComparedRun:
    """Read a run by what lies at a path.

    Args:
        path: run folder or weight file of a training, a picture or its sidecar, or the folder of a sweep.

    Raises:
        MissingPathError: nothing is there, or nothing that can be compared.
        UnreadableFileError: a file of the run is damaged.
    """
    if not path.exists():
        raise MissingPathError(path, "run", "Give NAME.run, a weight file, a picture, or the folder of a sweep.")
    if path.is_file():
        if path.suffix == ".safetensors":
            return _training(path.with_suffix(".run"))
        return _picture(path if path.suffix == ".json" else sidecar_of(path))
    return _training(path) if (path / "config.yaml").is_file() else _sweep(path)


def _training(folder: Path) -> ComparedRun:
    if not (folder / "config.yaml").is_file():
        raise MissingPathError(folder, "run folder of a training", "It lies beside the weight file.")
    config = read_yaml(folder / "config.yaml")
    try:
        rows = read_rows(folder)
        curves = {label: curve_of(rows, name) for name, label in _CURVES.items()}
        speed = curve_of(rows, _SPEED)[1]
        values = {name: curve_of(rows, name)[1] for name in _VALUES}
    except (ValueError, KeyError) as error:
        raise UnreadableFileError(folder, "a training", " ".join(str(error).split())) from error
    sheets = sorted(folder.glob("attack_epoch_*.png"))
    return ComparedRun(
        name=folder.name.removesuffix(".run"),
        kind=TRAINING,
        settings=dict(_flat(without_places(config))),
        curves={label: curve for label, curve in curves.items() if curve[0]},
        values={
            **{name: found[-1] for name, found in values.items() if found},
            **({"images per second, median": median(speed)} if speed else {}),
        },
        pictures={f"after epoch {int(sheet.stem[-3:]) + 1}": sheet for sheet in sheets[-1:]},
    )


def _picture(sidecar: Path) -> ComparedRun:
    result = Result.read(sidecar)
    if picture_type(result.image) is None:
        raise UnreadableFileError(result.image, "a picture for a page", "browsers show PNG, JPEG, WebP, GIF and BMP")
    curves = {f"{name} loss": _points(result.curves, name) for name in result.curves if name != "step"}
    costs = {"seconds": result.seconds, "peak memory, MB": round(result.peak_memory_bytes / _MEGABYTE, 1)}
    scores = {name: value for name, value in result.scores.items() if name != _PICKED}
    return ComparedRun(
        name=result.image.stem,
        kind=PICTURE,
        settings=dict(_flat(without_places(result.settings))),
        curves=curves,
        values={**scores, **{f"loss {name}": value for name, value in result.losses.items()}, **costs},
        pictures={f"{result.content or 'no content'} x {' + '.join(result.styles)}, {result.encoder}": result.image},
    )


def _points(curves: Mapping[str, Sequence[float | None]], name: str) -> Points:
    """Steps and values of a loss, without those that were not finite."""
    pairs = zip(curves.get("step", ()), curves[name], strict=False)
    finite = [(step, value) for step, value in pairs if step is not None and value is not None]
    return [step for step, _ in finite], [value for _, value in finite]


def _sweep(folder: Path) -> ComparedRun:
    try:
        results = read_results(folder, lambda line: sys.stderr.write(f"{line}\n"))
    except RnstError as error:
        advice = "A training has config.yaml, a sweep has pictures with .json files beside them."
        raise MissingPathError(folder, "run to compare", advice) from error
    picks = [result for result in results if result.scores.get(_PICKED)] or results
    encoders = list(dict.fromkeys(result.encoder for result in results))
    values: dict[str, float] = {"pictures": len(results)}
    for encoder in encoders:
        for name in ("style_distance", "edge_correlation"):
            found = [one.scores[name] for one in picks if one.encoder == encoder and name in one.scores]
            if found:
                values[f"{name}{OF_THE_PICKS}{encoder}"] = math.fsum(found) / len(found)
    plot = folder / "pareto.png"
    return ComparedRun(
        name=folder.name,
        kind=SWEEP,
        settings=_settings_of_sweep(results),
        values=values,
        pictures={"trade-off": plot} if plot.is_file() else {},
    )


def _settings_of_sweep(results: Sequence[Result]) -> dict[str, str]:
    """Every setting with all of its values."""
    found: dict[str, dict[str, None]] = {}
    for result in results:
        for name, value in _flat(without_places(result.settings)):
            found.setdefault(name, {})[value] = None
    return {name: " | ".join(values) for name, values in found.items()}


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if _NOT_COMPARED.search(f"{above}{name}"):
            continue
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}." if name != "init_args" else above)
        else:
            yield f"{above}{name}", f"{value:g}" if isinstance(value, float) else str(value)
