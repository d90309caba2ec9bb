"""Weights & Biases: the only module that imports wandb. It never requires an account or a network.

The import of wandb takes a second, so it happens only where a run is tracked.
"""

import logging
import netrc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from torch import Tensor

from rnst.image.files import to_bytes
from rnst.reporting.lasting_logger import LastingLogger
from rnst.reporting.project import PROJECT
from rnst.reporting.tracking.run import Run

_INIT_SECONDS = 30.0  # for a server to answer, before the run is written to disk instead
_log = logging.getLogger(__name__)


def open_wandb(folder: Path, run: Run) -> LastingLogger | None:
    """A logger whose files are in `folder`/wandb, or None if WANDB_MODE is "disabled".

    The run is online if there is a key or if WANDB_MODE says so. Otherwise it is only written; `wandb sync` uploads it.
    So it is, with a warning, where the key is wrong or the server cannot be reached; where even that fails, nothing is
    tracked.
    """
    if os.environ.get("WANDB_MODE") == "disabled":
        return None
    import wandb

    folder = folder.resolve()  # the process that writes runs may have another working directory
    os.environ.setdefault("WANDB_SILENT", "true")
    _give_folders(folder)
    for attempt in range(2):
        try:
            return _started(folder, run, offline=attempt > 0 or is_offline())
        except (wandb.Error, OSError, ValueError) as error:
            rest = "nothing is tracked" if attempt else "the run is written to disk, and wandb sync can upload it"
            _log.warning("Weights & Biases: %s; %s", _first_line(error), rest)
            os.environ.pop("WANDB_BASE_URL", None)  # an address that is wrong is refused without a connection, too
    return None


def _started(folder: Path, run: Run, *, offline: bool) -> LastingLogger:
    """A logger whose run has started, before the work.

    Raises:
        wandb.Error, OSError, ValueError: the run cannot be started.
    """
    import wandb

    folder.mkdir(parents=True, exist_ok=True)
    logger = LastingLogger(
        (wandb.Error,),
        project=PROJECT,
        name=run.name,
        save_dir=folder,
        offline=offline,
        mode="offline" if offline else "online",
        job_type=run.job_type,
        group=run.group,
        tags=list(run.tags),
        config=dict(run.config),
        settings=wandb.Settings(silent=True, init_timeout=_INIT_SECONDS),
    )
    # Lightning 2.6 passes a setting that wandb has deprecated, and wandb warns about it at every start.
    logger._wandb_init.pop("anonymous", None)
    _ = logger.experiment
    return logger


def _give_folders(folder: Path) -> None:
    """Let wandb keep its cache and settings beside the runs where the user has no home folder to write to."""
    home = Path(os.environ.get("HOME", "/nonexistent"))
    if not (home.is_dir() and os.access(home, os.W_OK)):
        for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
            os.environ.setdefault(name, str(folder / "wandb"))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def log_image(logger: LastingLogger, name: str, image: Tensor, step: int) -> None:
    """Log an image (1, 3, H, W) in [0, 1] as JPEG, because a PNG of noise takes ten times as long to write."""
    import wandb

    logger.log_metrics({name: [wandb.Image(to_bytes(image), file_type="jpg")]}, step=step)


Rows = Sequence[Mapping[str, object]]


def log_report(logger: LastingLogger, tables: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Log tables, PNG files and HTML pages under their names, in one row of the history.

    Args:
        logger: of the run.
        tables: name -> table of `as_table`.
        files: name -> file.
    """
    import wandb

    logged = {
        name: wandb.Html(path.read_text("utf-8")) if path.suffix == ".html" else wandb.Image(str(path))
        for name, path in files.items()
    }
    with logger.sending:
        logger.experiment.log({**logged, **tables})


def as_table(rows: Rows, pictures: Sequence[Path] = ()) -> Any:
    """Rows as a table; columns that a row lacks are left empty in it.

    Args:
        rows: column -> value.
        pictures: file of a picture for each row, which becomes the first column; none leaves the column out.
    """
    import wandb

    columns: list[str | int] = list(dict.fromkeys(column for row in rows for column in row))
    data = [[row.get(str(column)) for column in columns] for row in rows]
    if pictures:
        columns = ["picture", *columns]
        data = [[wandb.Image(str(path)), *values] for path, values in zip(pictures, data, strict=True)]
    return wandb.Table(columns=columns, data=data)


def summarize(logger: LastingLogger, values: Mapping[str, Any]) -> None:
    """Set values of the run's summary, which tables of runs show."""
    with logger.sending:
        logger.experiment.summary.update(dict(values))


def configure(logger: LastingLogger, values: Mapping[str, Any]) -> None:
    """Add settings that were not known at the start."""
    with logger.sending:
        logger.experiment.config.update(dict(values))


def finish(logger: LastingLogger) -> None:
    """Close the run, so that its file is complete."""
    with logger.sending:
        logger.experiment.finish()


def is_offline() -> bool:
    """Whether runs are only written to disk; see `open_wandb`."""
    mode = os.environ.get("WANDB_MODE")
    return mode != "online" if mode is not None else not has_key()


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
