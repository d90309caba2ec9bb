"""The state that a training keeps on disk, so that it can resume after any end, even a killed process."""

import os
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.utilities.types import _PATH
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.io import TorchCheckpointIO

from rnst.errors import MissingPathError, RnstError
from rnst.files import written_aside
from rnst.secondary import Secondary
from rnst.training.run_lock import lock_run
from rnst.yaml_files import read_yaml

_CHECKPOINTS = "checkpoints"
_CONFIG = "config.yaml"
# What Lightning restores from a checkpoint.
_PARTS = {
    "state_dict": dict,
    "loops": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
    "epoch": int,
    "global_step": int,
}
# Of the trainer's options, only these change the result; so does its length, if the schedule spans the whole run.
_LEARNED_WITH = {
    *("max_steps", "precision", "accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm"),
    *("devices", "num_nodes", "limit_train_batches", "sync_batchnorm"),
}
_FREE = (
    *("output", "half", "resume", "tracking", "checkpoint", "monitor"),
    *("data.root", "data.workers", "data.cache", "data.skip_broken"),
)
_FREE_EVALUATION = ("data.evaluation_photos", "data.validation_photos", "model.evaluation")


class OtherSettingsError(RnstError):
    """A run cannot resume with settings other than those of its start."""

    def __init__(self, option: str, now: object, then: object, folder: Path) -> None:
        super().__init__(
            f"--{option} is {now!r}, but the run in {folder} was started with {then!r}. "
            "Resume with that value, or start anew without --resume"
        )


class CompleteCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint to a temporary file, flushes it to the disk, then renames it.

    Lightning writes to the folder for temporary files and then moves the file. Between two file systems this is a copy,
    and a process killed during the copy leaves half a file under the final name.
    """

    def __init__(self) -> None:
        super().__init__()
        self._writing = Secondary("a checkpoint", "the training goes on without it", (RuntimeError,))

    def save_checkpoint(self, checkpoint: dict[str, Any], path: _PATH, storage_options: Any | None = None) -> None:  # noqa: ARG002
        """Write `checkpoint` to `path`, complete or not at all; where that fails, with a warning."""
        with self._writing, written_aside(Path(path)) as aside, aside.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())

    def remove_checkpoint(self, path: _PATH) -> None:
        """Remove an earlier checkpoint, unless the one in its place could not be written."""
        if not self._writing.failed:
            super().remove_checkpoint(path)


def run_folder(output: Path) -> Path:
    """The folder of a training's state and logs: beside its output, net.run for net.safetensors.

    Trainings of earlier versions have theirs below `runs`, named by the whole path of the output; where there is such a
    folder and no other, it is used.
    """
    beside, path, here = output.with_suffix(".run"), output.resolve().with_suffix(""), Path.cwd().resolve()
    earlier = Path("runs") / (path.relative_to(here) if path.is_relative_to(here) else path.relative_to(path.anchor))
    return earlier if not beside.exists() and (earlier / _CONFIG).is_file() else beside


def checkpoint_callbacks(folder: Path, *, minutes: float, steps: int) -> list[ModelCheckpoint]:
    """Keep the newest complete state: of each epoch, and within epochs if asked for.

    Args:
        folder: folder of the run.
        minutes: save also every so many minutes; 0 for never.
        steps: save also every so many optimizer steps; 0 for never.
    """

    def keeper(name: str, kind: type[ModelCheckpoint] = _WithinEpoch, **when: Any) -> ModelCheckpoint:
        return kind(folder / _CHECKPOINTS, name, save_top_k=1, enable_version_counter=False, **when)

    callbacks = [keeper("{epoch:03d}", ModelCheckpoint, save_on_train_epoch_end=True)]
    if minutes:
        callbacks.append(keeper("minutes", train_time_interval=timedelta(minutes=minutes)))
    if steps:
        callbacks.append(keeper("steps", every_n_train_steps=steps))
    return callbacks


def is_between_steps(trainer: Trainer, batch_idx: int) -> bool:
    """Whether a checkpoint after this batch is one that a training goes on from exactly.

    It holds no gradients of a step that takes several batches. From behind the last step of an epoch Lightning goes on
    with the next epoch, without the end of this one.
    """
    return not trainer.is_last_batch and (batch_idx + 1) % trainer.accumulate_grad_batches == 0


class _WithinEpoch(ModelCheckpoint):
    """Writes between two steps of an epoch; behind the last one, that of the epoch follows."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Write, where it is time."""
        if is_between_steps(trainer, batch_idx):
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)


def stopped_checkpoint(folder: Path) -> Path:
    """Where a training that a signal stops keeps its state."""
    return folder / _CHECKPOINTS / "stopped.ckpt"


def after_stop(folder: Path) -> str:
    """What a user can do about a training that was stopped."""
    if any((folder / _CHECKPOINTS).glob("*.ckpt")):
        return "stopped; --resume continues from the newest complete checkpoint"
    return "stopped before there was anything to keep; start anew without --resume"


def last_good_checkpoint(folder: Path) -> Path:
    """Where a monitor stores the last state that resisted the attack."""
    return folder / _CHECKPOINTS / "last_good.ckpt"


def newest_checkpoint(folder: Path, report: Callable[[str], object]) -> Path:
    """The newest complete checkpoint, from which `--resume` continues.

    Args:
        folder: folder of the run.
        report: called with a message for each file that is skipped.

    Raises:
        MissingPathError: the run has no complete checkpoint.
    """
    found = [path for path in (folder / _CHECKPOINTS).glob("*.ckpt") if not path.name.startswith(".")]
    for path in sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        wrong = _wrong_in(path)
        if not wrong:
            return path
        report(f"{path} {wrong} and is skipped")
    advice = "Start without --resume; a run keeps its state after each epoch, or each --checkpoint_minutes."
    raise MissingPathError(folder / _CHECKPOINTS, "a complete checkpoint to resume from", advice)


def refuse_other_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Compare the settings that a run was started with to those of its continuation.

    Raises:
        OtherSettingsError: a setting that changes the result differs.
    """
    file = folder / _CONFIG
    if not file.is_file():
        return
    then, now = (dict(_flat(config)) for config in (read_yaml(file), settings))
    whole_run = now.get("model.recipe.schedule") in {"one_cycle", "cosine"}
    for option in sorted(then.keys() | now.keys()):
        if then.get(option) != now.get(option) and _matters(option, whole_run=whole_run):
            short = option.replace(".init_args", "")
            raise OtherSettingsError(short, now.get(option), then.get(option), folder)


def begin(folder: Path, config: str, *, resume: bool) -> Path | None:
    """Make the folder of a run and store its configuration there; an earlier run is renamed unless it is resumed.

    Returns:
        The new path of the earlier run, if there was one.

    Raises:
        RunInUseError: another process trains in this folder.
    """
    lock_run(folder)
    moved = None
    if resume:
        for aside in (folder / _CHECKPOINTS).glob(".*.ckpt"):  # left by a process that was killed while it wrote
            aside.unlink()
    elif any((folder / _CHECKPOINTS).glob("*.ckpt")):
        numbers = (number for number in range(1, 10_000) if not folder.with_name(f"{folder.name}.{number}").exists())
        moved = folder.with_name(f"{folder.name}.{next(numbers)}")
        shutil.move(folder, moved)
    with written_aside(folder / _CONFIG) as aside:
        aside.write_text(config, encoding="utf-8")
    return moved


def _is_complete(path: Path) -> bool:
    """Whether all parts of the file exist and are intact: the archive has a check sum for each."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError):
        return False


def _wrong_in(path: Path) -> str:
    """What keeps a training from going on from a file; "" where nothing does. Nothing in it is executed."""
    if not _is_complete(path):
        return "is not complete"
    try:
        with warnings.catch_warnings(action="ignore"):  # of torch, about files that are not its own
            content: Any = TorchCheckpointIO().load_checkpoint(path, weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch fails wherever it stumbles over a file that is not its own
        return f"is no checkpoint of a training ({type(error).__name__})"
    wanted = all(isinstance(content, dict) and isinstance(content.get(name), kind) for name, kind in _PARTS.items())
    return "" if wanted else "is no checkpoint of a training"


def _matters(option: str, *, whole_run: bool) -> bool:
    if option.startswith("trainer."):
        name = option.split(".")[1]
        return name in _LEARNED_WITH or (name == "max_epochs" and whole_run)
    return not option.startswith(_FREE + _FREE_EVALUATION)


def _flat(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
