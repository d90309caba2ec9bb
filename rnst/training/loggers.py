"""Loggers of a training: those of --trainer.logger, or those of --tracking."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger

from rnst.attacks.ball import Ball
from rnst.reporting.lasting_logger import LastingTables
from rnst.reporting.trackers import CSV, chosen_trackers
from rnst.reporting.tracking.run import Run, program, without_places
from rnst.reporting.tracking.tracker import METRICS, Tracker

_GROUPS = ("data", "model", "trainer")


def open_training_tracker(tracking: str, folder: Path, run: Run) -> Tracker:
    """The chosen trackers, and always the table of metrics: curves and comparisons are drawn from it."""
    return Tracker(",".join(dict.fromkeys([*chosen_trackers(tracking), CSV])), folder, run)


def run_of_training(output: Path, data: str, architecture: str, ball: Ball, config: Mapping[str, Any]) -> Run:
    """Name, tags and settings of a training's run.

    Args:
        output: weight file to write.
        data: name of the data set.
        architecture: of the network.
        ball: of the training's attack.
        config: the whole configuration, as nested plain values.
    """
    attack = f"{ball.norm} {ball.radius:g}" if ball.radius else "standard"
    tags = [ball.norm, f"radius {ball.radius:g}"] if ball.radius else [attack]
    return Run(
        name=f"{data} | {architecture} | {attack} | {output.stem}",
        job_type="train",
        group=data,
        tags=[data, architecture, *tags],
        config=_grouped(config),
    )


def users_loggers(given: Any, folder: Path) -> list[Logger] | None:
    """Loggers of --trainer.logger with the table of metrics; none for false, None where the option is not given."""
    if given is None or given is True:
        return None
    if given is False:
        return []
    listed = list(given) if isinstance(given, list | tuple) else [given]
    return [*listed, LastingTables(folder, name=METRICS)]


def _grouped(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without paths; options of no group are in "run"."""
    plain = without_places(_without_class_paths(config))
    groups = {name: plain[name] for name in _GROUPS if name in plain}
    rest = {name: value for name, value in plain.items() if name not in groups}
    return {**groups, "run": rest, "versions": program()}


def _without_class_paths(value: Any) -> Any:
    """Classes as their name and arguments, without the level that jsonargparse adds."""
    if isinstance(value, Mapping):
        plain = {name: _without_class_paths(each) for name, each in value.items()}
        if "class_path" in plain:
            return {"class": plain["class_path"].rpartition(".")[2], **(plain.get("init_args") or {})}
        return plain
    return [_without_class_paths(each) for each in value] if isinstance(value, list) else value
