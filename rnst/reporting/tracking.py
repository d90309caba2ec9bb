"""Weights & Biases: the only module that imports wandb. It never requires an account or a network.

The import of wandb takes a second, so it happens only where a run is tracked.
"""

import netrc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse

from pytorch_lightning.loggers import Logger, WandbLogger
from torch import Tensor

from rnst.image.files import to_bytes
from rnst.reporting.project import PROJECT

Tracking = Literal["auto", "wandb", "off"]


def tracker(
    tracking: Tracking,
    folder: Path,
    *,
    job_type: str,
    group: str,
    tags: Sequence[str],
    config: Mapping[str, Any],
) -> WandbLogger | None:
    """A logger for Weights & Biases, or None.

    Without an API key the run is written to `folder`, and `wandb sync` can upload it later.

    Args:
        tracking: "auto" is online if there is a key or WANDB_MODE is online, otherwise offline; "wandb" is online
            unless WANDB_MODE is set otherwise; "off" and WANDB_MODE=disabled track nothing.
        folder: where the run is written.
        job_type: kind of run, as "train" or "stylize".
        group: name of the group of related runs.
        tags: words for filtering.
        config: every setting, resolved.
    """
    if tracking == "off" or os.environ.get("WANDB_MODE") == "disabled":
        return None
    import wandb

    folder = folder.resolve()  # the process that writes runs may have another working directory
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("WANDB_SILENT", "true")
    logger = WandbLogger(
        project=PROJECT,
        save_dir=folder,
        offline=is_offline(tracking),
        job_type=job_type,
        group=group,
        tags=list(tags),
        config=dict(config),
        settings=wandb.Settings(silent=True),
    )
    # Lightning 2.6 passes a setting that wandb has deprecated, and wandb warns about it at every start.
    logger._wandb_init.pop("anonymous", None)
    return logger


class PictureTracker:
    """One run for one picture.

    Args:
        tracking, folder, group, tags, config: see `tracker`.
    """

    def __init__(
        self, tracking: Tracking, folder: Path, *, group: str, tags: Sequence[str], config: Mapping[str, Any]
    ) -> None:
        self._logger = tracker(tracking, folder, job_type="stylize", group=group, tags=tags, config=config)

    @property
    def loggers(self) -> list[Logger]:
        """The loggers for a Trainer."""
        return [self._logger] if self._logger is not None else []

    def show(self, image: Tensor, step: int) -> None:
        """Log an intermediate picture (1, 3, H, W) at its step."""
        if self._logger is not None:
            log_picture(self._logger, "picture", image, step)

    def finish(self, image: Tensor, losses: Mapping[str, float], scores: Mapping[str, float]) -> None:
        """Log the finished picture, its losses and scores, and close the run, so that its file is complete."""
        if self._logger is None:
            return
        import wandb

        run = self._logger.experiment
        run.log({"final": wandb.Image(to_bytes(image), file_type="jpg")})
        run.summary.update({f"final_loss/{name}": value for name, value in losses.items()})
        run.summary.update({f"score/{name}": value for name, value in scores.items()})
        run.finish()


class SweepTracker:
    """One run that summarizes a sweep, in the group of its pictures' runs.

    Args:
        tracking, folder, group, config: see `tracker`.
    """

    def __init__(self, tracking: Tracking, folder: Path, *, group: str, config: Mapping[str, Any]) -> None:
        self._logger = tracker(tracking, folder, job_type="sweep", group=group, tags=["sweep"], config=config)

    def finish(self, rows: Sequence[Mapping[str, object]], pictures: Sequence[Path], plot: Path, page: Path) -> None:
        """Log the table of all pictures, the plot and the page that compares them, and close the run.

        Args:
            rows: names, settings and scores of each picture.
            pictures: file of each picture, in the same order.
            plot: PNG of style against content.
            page: HTML with embedded pictures.
        """
        if self._logger is None:
            return
        import wandb

        run = self._logger.experiment
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = wandb.Table(columns=["picture", *names])
        for row, picture in zip(rows, pictures, strict=True):
            table.add_data(wandb.Image(str(picture)), *(row.get(name) for name in names))
        run.log({"pictures": table, "pareto": wandb.Image(str(plot)), "compare": wandb.Html(page.read_text("utf-8"))})
        run.finish()


def log_experiment(
    tracking: Tracking,
    folder: Path,
    *,
    job_type: str,
    config: Mapping[str, Any],
    tables: Mapping[str, Sequence[Mapping[str, object]]],
    figures: Sequence[Path],
) -> None:
    """Log one run for a finished experiment: its measurements as tables, and its figures.

    Args:
        tracking: see `tracker`.
        folder: folder of the experiment; its name is the group.
        job_type: the command, as "layers".
        config: every setting, resolved.
        tables: name -> rows; columns that a row lacks are left empty in it.
        figures: PNG files, logged under their names without suffix.
    """
    logger = tracker(tracking, folder, job_type=job_type, group=folder.name, tags=[job_type], config=config)
    if logger is None:
        return
    import wandb

    run = logger.experiment
    logged: dict[str, Any] = {path.stem: wandb.Image(str(path)) for path in figures}
    for title, rows in tables.items():
        names = list(dict.fromkeys(name for row in rows for name in row))
        logged[title] = wandb.Table(columns=[*names], data=[[row.get(name) for name in names] for row in rows])
    run.log(logged)
    run.finish()


def finish_training(loggers: Sequence[Logger], weights_sha256: str, facts: Mapping[str, Any]) -> None:
    """Log the hash of the exported weights, which the runs of pictures made with them log too, and close the run.

    Args:
        loggers: loggers of the training; those of other types are not used.
        weights_sha256: hash of the exported file.
        facts: facts that the exported file records.
    """
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.config.update({"weights_sha256": weights_sha256, "weights_facts": dict(facts)})
            logger.experiment.finish()


def log_picture(logger: WandbLogger, name: str, image: Tensor, step: int) -> None:
    """Log an image (1, 3, H, W) in [0, 1] as JPEG, because a PNG of noise takes ten times as long to write."""
    import wandb

    logger.log_metrics({name: [wandb.Image(to_bytes(image), file_type="jpg")]}, step=step)  # type: ignore[dict-item]


def is_offline(tracking: Tracking) -> bool:
    """Whether runs are only written to disk; see `tracker`."""
    mode = os.environ.get("WANDB_MODE")
    if mode is not None:
        return mode != "online"
    return tracking == "auto" and not has_key()


def has_key() -> bool:
    """Whether an API key is in the environment or in the user's netrc file; the key itself is not used."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    import wandb

    host = urlparse(os.environ.get("WANDB_BASE_URL") or wandb.Settings().base_url).hostname
    named = os.environ.get("NETRC")  # wandb reads this file, Python's netrc does not
    try:
        keys = netrc.netrc(Path(named).expanduser() if named else None)
        return host is not None and keys.authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False
