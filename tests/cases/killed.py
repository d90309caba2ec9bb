"""Kills a command at random moments and runs it again until it ends by itself, as a program that prints its figures.

`python -m tests.cases.killed COMMAND MOMENTS SEED`, in a folder with pictures and photos; each run is a fork of this
process, so that torch is imported once.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from rnst.cli import main, stylize, train_robust
from rnst.encoders.weights.files import read_weights
from rnst.errors import RnstError
from rnst.image.files import read_image
from rnst.results import Result
from tests.cases.program import arguments

_POLL = 0.01
_EARLIEST, _LATEST = 0.2, 0.95  # share of the time of a run that is not killed


def _stylize(output: str, *, again: bool) -> None:
    words = arguments(size=64, steps=12, scales=2, save_every=2, output=f"{output}/out.png")
    stylize([*words, *(["--resume"] if again else [])])


def _sweep(output: str, *, again: bool) -> None:  # noqa: ARG001 - a sweep goes on by itself
    main(["sweep", "--config", "sweep.yaml", "--output", output])


def _train(output: str, *, again: bool) -> None:
    kept = any(Path(output, "net.run", "checkpoints").glob("[!.]*.ckpt"))
    words = ["--config", "train.yaml", "--output", f"{output}/net.safetensors"]
    train_robust([*words, *(["--resume"] if again and kept else [])])


def _pack(output: str, *, again: bool) -> None:
    if not (again and Path(output).exists()):
        main(["pack", "photos", output, "--size", "32", "--workers", "0"])


COMMANDS: dict[str, Callable[..., None]] = {"stylize": _stylize, "sweep": _sweep, "train": _train, "pack": _pack}


def _forked(command: Callable[..., None], output: str, *, again: bool, seconds: float | None) -> tuple[int, float]:
    """Exit status of a run, negative where it was killed after so many seconds, and how long it took."""
    began = time.monotonic()
    process = os.fork()
    if process == 0:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        status = 1
        try:
            command(output, again=again)
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            os._exit(status)
    while True:
        ended, code = os.waitpid(process, os.WNOHANG)
        taken = time.monotonic() - began
        if ended:
            return os.waitstatus_to_exitcode(code), taken
        if seconds is not None and taken > seconds:
            os.kill(process, signal.SIGKILL)
            seconds = None
        time.sleep(_POLL)


def _broken(folders: Sequence[Path]) -> list[str]:
    """Files with a name of their own that cannot be read."""
    readers: dict[str, Callable[[Path], object]] = {".png": read_image, ".ckpt": read_weights}
    found = []
    for path in (path for folder in folders for path in folder.rglob("[!.]*") if path.is_file()):
        is_record = path.suffix == ".json" and path.with_suffix(".png").is_file()
        read = Result.read if is_record else readers.get(path.suffix)
        try:
            if read is not None:
                read(path)
        except RnstError as error:
            found.append(str(error))
    return found


def run(name: str, moments: int, seed: int) -> dict[str, object]:
    """Figures of one command.

    Args:
        name: of COMMANDS.
        moments: at which it is killed.
        seed: of the moments.
    """
    for module in ("stylize", "sweep", "training_cli", "pack"):
        import_module(f"rnst.commands.{module}")
    command, draw = COMMANDS[name], random.Random(seed)  # noqa: S311 - moments, no secrets
    status, whole = _forked(command, "whole", again=False, seconds=None)
    folders = [Path("parts")]
    statuses, broken = list[int](), list[str]()
    for number in range(moments):
        seconds = whole * draw.uniform(_EARLIEST, _LATEST)
        statuses.append(_forked(command, "parts", again=number > 0, seconds=seconds)[0])
        broken += _broken(folders)
        if statuses[-1] == 0:
            break
    last, _ = _forked(command, "parts", again=True, seconds=None)
    left = [str(path) for folder in folders for path in folder.rglob(".*") if path.suffix != ".lock"]
    states = [str(path) for path in Path("parts").rglob("*.state.safetensors")]
    killed = sum(code == -signal.SIGKILL for code in statuses)
    wrong = [code for code in [status, *statuses, last] if code not in {0, -signal.SIGKILL}]
    return {"killed": killed, "wrong": wrong, "last": last, "broken": broken, "left": left + states}


if __name__ == "__main__":
    figures = run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(f"{json.dumps(figures)}\n")
