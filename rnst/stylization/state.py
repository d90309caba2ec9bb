"""The state of a run, its optimizer included, in a file beside the picture, from which a stopped run resumes."""

import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from rnst.errors import InvalidValueError, UnreadableFileError
from rnst.files import written_aside
from rnst.optimization.devices import is_first

_KEY = "rnst"
_OF_FILES = ("weights_sha256", "sources_sha256")  # beside the options in the settings of a run
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
        with written_aside(path) as aside:
            save_file(tensors, aside, metadata={_KEY: described})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; nothing in it is executed.

        Raises:
            UnreadableFileError: the file is not such a state.
        """
        try:
            with safe_open(path, framework="pt") as file:
                described = json.loads(file.metadata()[_KEY])
                # Cloned into memory aligned as that of a run: sums of unaligned numbers are rounded otherwise.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no dictionary
            tree = _restored(described["tree"], tensors)
            return cls(**tree, settings=described["settings"])
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise UnreadableFileError(path, "the state of a stopped picture", str(error)) from error

    def check(self, settings: Mapping[str, Any], without: tuple[str, ...]) -> None:
        """Refuse to resume with different settings, except those in `without`.

        Raises:
            InvalidValueError: they differ.
        """
        plain = json.loads(json.dumps(dict(settings), default=str))
        for name in plain:
            if name not in without and plain[name] != self.settings.get(name):
                if name in _OF_FILES:
                    raise InvalidValueError("--resume", "true", "false: files that it reads have changed since")
                wanted = f"{self.settings.get(name)!r}, as in the stopped run, to go on with --resume"
                raise InvalidValueError(f"--{name}", plain[name], wanted)


class StateKeeper(Callback):
    """Writes the state every few steps, and on Ctrl-C after the current step.

    A state is exact, so it is large: parameters, best picture and the 20 pictures of the history of L-BFGS, 280 bytes a
    pixel. Where writing is slow, states are rarer: the time until the next one is at least a hundred times that of
    writing the last one.

    Args:
        path: the file beside the picture.
        every: steps between two writes; 0 writes on Ctrl-C only.
        settings: of the run.
        state: that the run resumes from; None starts at the beginning.

    Attributes:
        scale: number of the current scale, from 0.
        first_losses: of the picture at the first step of the first scale; empty until that scale is finished.
    """

    def __init__(self, path: Path, every: int, settings: Mapping[str, Any], state: State | None = None) -> None:
        self._path, self._every, self._settings = path, every, settings
        self._stopping = False
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
        """Within this context, the first Ctrl-C stops after the current step, a second one immediately."""
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread receives signals
            return
        before = signal.getsignal(signal.SIGINT)

        def stop(number: int, frame: Any) -> None:
            if self._stopping and callable(before):
                before(number, frame)
            self._stopping = True

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: object) -> None:
        """Write the state where it is due; then stop where Ctrl-C was pressed.

        Of several processes the first one does both; the others notice that it is gone.
        """
        if not is_first():
            return
        step = pl_module.schedule.done + trainer.global_step
        due = self._every and step % self._every == 0 and time.monotonic() >= self._not_before
        if self._stopping or due:
            self._write(step, pl_module)
        if self._stopping:
            raise KeyboardInterrupt

    def _write(self, step: int, pl_module: Any) -> None:
        began = time.monotonic()
        first_losses = self.first_losses or pl_module.best.first_losses
        State(self.scale, step, pl_module.run_state(), self._settings, first_losses, self.seconds).write(self._path)
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
