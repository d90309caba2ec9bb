"""What identifies a run in every tracker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rnst.image.endings import LONGEST_SIDES

_FILES = (*LONGEST_SIDES, ".heif", ".gif", ".bmp", ".safetensors", ".pt", ".pth", ".ckpt", ".yaml")
_PLACES = ("output", "root", "cache", "default_root_dir", "tracking", "tracking_folder", "logger", "config", "command")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Name, kind and settings of one run.

    Attributes:
        name: what lists of runs show.
        job_type: kind of the run, as "train" or "stylize".
        group: name of the group of related runs.
        tags: words for filtering.
        config: settings in groups: group -> name -> value.
    """

    name: str
    job_type: str
    group: str
    tags: Sequence[str] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


def without_places(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that two runs can be compared by: without folders, and files as their names.

    Args:
        settings: name -> value, also nested.
    """
    kept = {name: value for name, value in settings.items() if name not in _PLACES}
    return {name: _named(value) for name, value in kept.items()}


def of_experiment(kind: str, folder: Path, settings: Mapping[str, Any], tags: Sequence[str] = ()) -> Run:
    """The run of a study: its name and group are those of its folder.

    Args:
        kind: the command, as "layers".
        folder: of the study.
        settings: all of them, resolved.
        tags: words for filtering.
    """
    config = {**without_places(settings), "versions": program()}
    return Run(name=f"{kind} | {folder.name}", job_type=kind, group=folder.name, tags=tags or [kind], config=config)


def program() -> dict[str, str]:
    """Versions of this program and of torch."""
    return {name: version(name) for name in ("rnst", "torch")}


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_places(value)
    if isinstance(value, list | tuple):
        return [_named(each) for each in value]
    if isinstance(value, Path):
        return value.name
    return Path(value).name if isinstance(value, str) and _is_path(value) else value


def _is_path(text: str) -> bool:
    """Whether a text is a path and not a name with a slash, as timm/NAME is."""
    return Path(text).is_absolute() or Path(text).suffix.lower() in _FILES
