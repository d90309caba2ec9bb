"""The runs of a sweep: every content in every style by every encoder, over one grid that is the same for all."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from rnst.encoders.names import find_network
from rnst.errors import InvalidValueError, MissingPathError, UnknownNameError
from rnst.image.endings import LONGEST_SIDES
from rnst.image.samples import SAMPLES
from rnst.machine import check_workers
from rnst.ranges import check_ranges
from rnst.reporting.trackers import BY_DEFAULT, WANDB, chosen_trackers
from rnst.stylization.output_names import named_by
from rnst.stylization.settings import StylizationSettings

Settings = Callable[[dict[str, Any]], StylizationSettings]

_OF_THE_SWEEP = ("content", "style", "output", "encoder", "tracking", "tracking_folder", "scores", "group")


@dataclass(frozen=True)
class SweepSettings:
    """Settings of a sweep.

    Args:
        contents: photos: files, names of samples, or names of files in `pictures`.
        styles: paintings: files, names of samples, or names of files in `pictures`.
        encoders: networks (`rnst models` lists them).
        grid: setting of stylize.py -> values to try; every combination is run with every encoder.
        compare: names of the grid whose values are compared like encoders: each has its own pick and its own line.
        settings: setting of stylize.py -> its value in the whole sweep.
        pictures: folders in which photos and paintings are searched by name.
        output: folder of the pictures, the table and the plots.
        names: YAML file of titles for the page: networks, contents and styles, each name: title.
        workers: pictures that are stylized at the same time.
        tracking: off, or trackers joined by commas: wandb (offline unless there is a key), tensorboard, csv.
    """

    contents: list[str]
    styles: list[str]
    encoders: list[str]
    grid: dict[str, Any] = field(default_factory=dict)
    compare: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    pictures: list[Path] = field(default_factory=list)
    output: Path = Path("outputs/sweep")
    names: Path | None = None
    workers: int = 1
    tracking: str = BY_DEFAULT

    def __post_init__(self) -> None:
        """Refuse impossible sweeps before any picture is made.

        Raises:
            InvalidValueError: a list is empty, or a value is out of range.
            UnknownNameError: no such setting or encoder.
        """
        for name in ("contents", "styles", "encoders"):
            if not getattr(self, name):
                raise InvalidValueError(f"--{name}", getattr(self, name), "at least one name")
        check_ranges(self)
        check_workers("--workers", self.workers, least=1)
        chosen_trackers(self.tracking)
        self._check_grid()
        for encoder in self.encoders:
            find_network(encoder)

    def _check_grid(self) -> None:
        valid = [entry.name for entry in fields(StylizationSettings) if entry.name not in _OF_THE_SWEEP]
        for name in (*self.grid, *self.settings):
            if name not in valid:
                raise UnknownNameError("setting", name, valid)
        for name, values in self.grid.items():
            if not isinstance(values, list) or not values:
                raise InvalidValueError(f"--grid.{name}", values, "a list of values")
        for name in self.compare:
            if name not in self.grid:
                raise UnknownNameError("setting to compare", name, self.grid)

    def arm(self, encoder: str, varied: Mapping[str, Any]) -> str:
        """The label under which a picture is compared: its encoder, and its values of the compared settings."""
        return " ".join([encoder, *(f"{name}={_shown(varied[name])}" for name in self.compare)])


def plan(sweep: SweepSettings, make: Settings) -> list[tuple[StylizationSettings, str]]:
    """Every picture of a sweep. The encoder varies slowest, so that the pictures of one pair are made close together.

    Args:
        sweep: contents, styles, encoders and grid.
        make: settings of a picture from plain values; the command line checks their types here.

    Returns:
        For each picture its settings, and its arm: the label under which it is compared.

    Raises:
        RnstError: a picture is missing, or a value is out of range.
    """
    contents = {name: _picture(name, sweep.pictures) for name in sweep.contents}
    styles = {name: _picture(name, sweep.pictures) for name in sweep.styles}
    for option, names in (("--contents", sweep.contents), ("--styles", sweep.styles)):
        if len({_stem(name) for name in names}) < len(names):
            raise InvalidValueError(option, names, "pictures with different names")
    # Types are checked once for each combination of the grid: it takes a while, and sweeps have a thousand pictures.
    tracked = {"tracking": sweep.tracking, "tracking_folder": str(sweep.output)}
    common = {"group": sweep.output.name, "scores": True, **tracked}
    combinations = [dict(zip(sweep.grid, values, strict=True)) for values in itertools.product(*sweep.grid.values())]
    made = [(varied, make({**sweep.settings, **varied, **common})) for varied in combinations]
    pictures = []
    for content, style, encoder in itertools.product(contents, styles, sweep.encoders):
        for varied, settings in made:
            named = {**settings.as_dict(), **varied, "content": content, "style": style, "encoder": encoder}
            chosen = settings.replaced(
                content=contents[content],
                style=styles[style],
                encoder=encoder,
                output=named_by(output_template(sweep), named),
            )
            pictures.append((chosen, sweep.arm(encoder, varied)))
    _check_names(settings.output for settings, _ in pictures)
    return pictures


def _check_names(outputs: Iterable[Path]) -> None:
    """Refuse two pictures of one name: an encoder that is listed twice, or values that are alike in a file name.

    Raises:
        InvalidValueError: names the first such file.
    """
    names = set[Path]()
    for output in outputs:
        if output in names:
            wanted = "different for each picture: a value or an encoder is listed twice, or two values are too close"
            raise InvalidValueError("the name of a picture", str(output), wanted)
        names.add(output)


def output_template(sweep: SweepSettings) -> Path:
    """Where pictures go, with names of settings in braces."""
    values = "".join(f"--{name}={{{name}}}" for name in sweep.grid)
    return sweep.output / "pictures" / "{content}--{style}" / f"{{encoder}}{values}.png"


def agent_configuration(sweep: SweepSettings) -> dict[str, Any]:
    """The same sweep for Weights & Biases, whose agents then run stylize.py on any number of machines.

    The pictures get the same names: where the agents share a disk, the local sweep finds them finished.
    """
    varied = {
        "content": [_picture(name, sweep.pictures) for name in sweep.contents],
        "style": [_picture(name, sweep.pictures) for name in sweep.styles],
        "encoder": sweep.encoders,
        **sweep.grid,
    }
    named = {"output": str(output_template(sweep)), "group": sweep.output.name}
    tracked = {"scores": True, "tracking": WANDB, "tracking_folder": str(sweep.output)}
    fixed = {**sweep.settings, **named, **tracked}
    return {
        "program": "stylize.py",
        "method": "grid",
        "metric": {"name": "score/style_distance", "goal": "minimize"},
        "parameters": {
            **{name: {"values": list(values)} for name, values in varied.items()},
            **{name: {"value": value} for name, value in fixed.items()},
        },
    }


def _picture(name: str, folders: Sequence[Path]) -> str:
    """A file, the name of a sample, or a file in one of the folders."""
    if Path(name).is_file():
        return name
    for folder in folders:
        if not folder.is_dir():
            raise MissingPathError(folder, "folder of pictures", "Correct --pictures.")
        candidates = [folder / name, *(folder / f"{name}{ending}" for ending in LONGEST_SIDES)]
        found = next((path for path in candidates if path.is_file()), None)
        if found is not None:
            return str(found)
    if name in SAMPLES:
        return name
    advice = f"Give a file, a folder that holds it as --pictures, or a sample: {', '.join(SAMPLES)}."
    raise MissingPathError(name, "picture", advice)


def _shown(value: object) -> str:
    """A value in the name of an arm; none is what the encoder itself has."""
    if isinstance(value, list):
        return "+".join(map(str, value))
    return "own" if value is None else str(value)


def _stem(name: str) -> str:
    return Path(name).stem
