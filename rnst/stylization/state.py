"""The state of a run, its optimizer included, in a file beside the picture, from which a stopped run resumes."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from safetensors import SafetensorError, safe_open
from torch import Tensor

from rnst.encoders.weights.files import write_tensors
from rnst.errors import UnreadableFileError
from rnst.files import beside
from rnst.optimization.devices import is_first
from rnst.secondary import Secondary
from rnst.signals import Stopped, handled, raise_stopped
from rnst.stylization.state_check import UNFIT, check_values, checksum

_KEY, _CHECKSUM = "rnst", "checksum"
_ENDING = ".state.safetensors"
_SHARE = 0.01  # of a run's time, that its states may take


@dataclass(frozen=True)
class State:
    """A picture between two steps.

    Attributes:
        scale: number of its scale, from 0.
        step: steps done at that scale.
        content: see `ImageOptimization.run_state`: tensors, numbers, texts, lists and dictionaries of them.
        settings: of the run.
        first_losses: of the picture at the first step of the first scale.
        seconds: of run time in all sessions so far.
    """

    scale: int
    step: int
    content: Mapping[str, Any]
    settings: Mapping[str, Any]
    first_losses: Mapping[str, float]
    seconds: float

    @property
    def best_image(self) -> Tensor | None:
        """(1, 3, H, W) in [0, 1], the picture that the run would deliver; None before there is one."""
        image: Tensor | None = self.content["best"]["image"]
        return image

    def write(self, path: Path) -> None:
        """Write the file, complete or not at all."""
        tensors: dict[str, Tensor] = {}
        values = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "settings"}
        described = json.dumps({"tree": _flattened(values, tensors), "settings": dict(self.settings)}, default=str)
        write_tensors(path, tensors, {_KEY: described, _CHECKSUM: checksum(described, tensors)})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; nothing in it is executed.

        Raises:
            UnreadableFileError: the file is not such a state.
        """
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                # Cloned into memory aligned as that of a run: sums of unaligned numbers are rounded otherwise.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no dictionary
            if metadata[_CHECKSUM] != checksum(metadata[_KEY], tensors):
                raise ValueError("it was altered or damaged")
            described = json.loads(metadata[_KEY])
            tree = _restored(described["tree"], tensors)
            check_values(tree)
            return cls(**tree, settings=dict(described["settings"]))
        except (SafetensorError, OSError, RecursionError, *UNFIT) as error:
            reason = f"it has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
            advice = "delete it, or start without --resume"
            raise UnreadableFileError(path, "the state of a stopped picture", f"{reason}; {advice}") from error


def state_path(output: Path) -> Path:
    """The file that a stopped picture leaves beside it; another name where the usual one is a file of the user."""
    return beside(output, _ENDING, is_state)


def stopped_state(output: Path) -> Path | None:
    """The file to resume from; None if there is none. It may be damaged: reading it reports that."""
    candidates = (state_path(output), output.with_suffix(_ENDING))
    return next((path for path in candidates if os.path.lexists(path)), None)


def remove_state(output: Path) -> None:
    """Remove the state beside a picture that is finished, if it is one of ours."""
    path = state_path(output)
    if is_state(path):
        path.unlink(missing_ok=True)


def is_state(path: Path) -> bool:
    """Whether a file is a state of ours, by its header alone."""
    try:
        with safe_open(path, framework="pt") as file:
            return '"tree"' in (file.metadata() or {}).get(_KEY, "")
    except (SafetensorError, OSError):
        return False


class StateKeeper(Callback):
    """Writes the state every few steps, and after the current step where a signal stops the run.

    A state that cannot be written costs a warning.

    A state is exact, so it is large: parameters, best picture and the 20 pictures of the history of L-BFGS, 280 bytes a
    pixel. Where writing is slow, states are rarer: the time until the next one is at least a hundred times that of
    writing the last one.

    Args:
        path: the file beside the picture.
        every: steps between two writes; 0 writes on a stop only.
        settings: of the run.
        state: that the run resumes from; None starts at the beginning.

    Attributes:
        scale: number of the current scale, from 0.
        first_losses: of the picture at the first step of the first scale; empty until that scale is finished.
        stopped_by: number of the signal that stopped the run; None as long as none did.
        path: the file of the state.
    """

    def __init__(self, path: Path, every: int, settings: Mapping[str, Any], state: State | None = None) -> None:
        self.path, self._every, self._settings = path, every, settings
        self._writing = Secondary(f"the state of {path.name.removesuffix(_ENDING)}", "--resume could not go on with it")
        self.stopped_by: int | None = None
        self._not_before = 0.0  # on the clock of time.monotonic
        self._began = time.monotonic() - (0.0 if state is None else state.seconds)
        self.state = state
        self.scale = 0 if state is None else state.scale
        self.first_losses: Mapping[str, float] = {} if state is None else state.first_losses

    @property
    def seconds(self) -> float:
        """Since the run began, without the time between sessions."""
        return time.monotonic() - self._began

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within this context, the first signal stops after the current step, a second one immediately."""

        def stop(number: int, frame: Any) -> None:
            if self.stopped_by is not None:
                raise_stopped(number, frame)
            self.stopped_by = number

        with handled(stop):
            yield

    def stop(self) -> None:
        """Stop after the current step, as on Ctrl-C."""
        self.stopped_by = signal.SIGINT

    @property
    def can_resume(self) -> bool:
        """Whether a state lies on the disk."""
        return not self._writing.failed and self.path.is_file()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Write the state where it is due; then stop where a signal has arrived.

        Of several processes the first one does both; the others notice that it is gone.
        """
        if not is_first():
            return
        step = pl_module.schedule.done + trainer.global_step
        in_all = pl_module.first_step + trainer.global_step  # over all scales, as intermediate pictures count
        due = self._every and in_all % self._every == 0 and time.monotonic() >= self._not_before
        if self.stopped_by is not None or due:
            self._write(step, pl_module)
        if self.stopped_by is not None:
            raise Stopped(number=self.stopped_by)

    def _write(self, step: int, pl_module: Any) -> None:
        began = time.monotonic()
        first_losses = self.first_losses or pl_module.best.first_losses
        state = State(self.scale, step, pl_module.run_state(), self._settings, first_losses, self.seconds)
        with self._writing:
            state.write(self.path)
        ended = time.monotonic()
        self._not_before = ended + (ended - began) / _SHARE


def _flattened(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Plain values; each tensor is put into `tensors` and leaves its name."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        kept = value.detach().cpu().contiguous()
        if any(_same_memory(kept, other) for other in tensors.values()):
            kept = kept.clone()
        tensors[name] = kept
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"entries": [[key, _flattened(entry, tensors)] for key, entry in value.items()]}
    if isinstance(value, list | tuple):
        return [_flattened(entry, tensors) for entry in value]
    return value


def _same_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _restored(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `_flattened` took apart; tuples have become lists."""
    if isinstance(value, list):
        return [_restored(entry, tensors) for entry in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return {key: _restored(entry, tensors) for key, entry in value["entries"]}
