"""From a command line to a command. Each command is a file in `rnst/commands`, imported when it is asked for."""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version

from rnst.errors import MemoryExhaustedError, RnstError, UnknownNameError, is_out_of_memory, one_line
from rnst.signals import exit_status, stopped_by_signals
from rnst.streams import LostOutputError, lasting_streams

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning idle threads slow a shared machine many times over

# What takes less memory; --memory and --tile where none is named.
_LESS_MEMORY = {
    "train": "--data.batch_size, or --data.image_size",
    **dict.fromkeys(("evaluate", "corruption", "layers"), "--batch_size"),
    "transferability": "--batch_size or --batch_size_attack",
    "visualize": "--batch or --size",
    "artifacts": "--size",
}

Command = Callable[[list[str]], None]

GROUPS = {
    "Pictures": {
        "stylize": "stylize a photo by a painting; also as stylize.py",
        "app": "stylize on a page in the browser of this machine",
        "sweep": "stylize every content in every style by every encoder; score, select and compare",
        "gallery": "write finished pictures as one page",
        "compare": "compare trainings, pictures and sweeps on one page",
    },
    "Networks": {
        "models": "list the networks",
        "convert": "convert weights of other projects to ours, and ours to MadryLab's layout",
        "train": "train robust weights; also as train_robust.py",
        "curve": "plot the accuracy of trainings by epoch",
        "evaluate": "measure the accuracy of a network, clean and under attack",
        "pack": "pack a folder of photos for training on many machines, from disks or a bucket",
        "dashboard": "build a Weights & Biases workspace that compares runs",
    },
    "Studies": {
        "corruption": "measure natural robustness: common corruptions, mCE, attacks beside it",
        "transferability": "train on another network's non-robust features; measure the transfer of attacks",
        "visualize": "make pictures that excite networks, with and without priors",
        "layers": "measure how robust each layer is, and stylize by each alone",
        "artifacts": "find the causes of checkerboards in pictures, and what removes them",
    },
}
COMMANDS = {name: summary for group in GROUPS.values() for name, summary in group.items()}


def train_robust(arguments: Sequence[str] | None = None) -> None:
    """`python train_robust.py`: without --config, the article's recipe."""
    _run(_command("train"), arguments)


def stylize(arguments: Sequence[str] | None = None) -> None:
    """`python stylize.py`: without arguments, a sample photo in the style of a sample painting."""
    _run(_command("stylize"), arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """`rnst COMMAND`."""
    _run(_dispatch, arguments)


def _command(name: str) -> Command:
    command: Command = import_module(f"rnst.commands.{name}").run
    return command


def _run(command: Command, arguments: Sequence[str] | None) -> None:
    """Run a command; turn our own errors into one line and exit status 2, a stop by a signal into 128 + its number."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--version" in words:
        sys.stdout.write(f"rnst {version('rnst')}\n")
        return
    try:
        with lasting_streams(), stopped_by_signals():
            command(words)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        _report(f"error: {MemoryExhaustedError(_less_memory(command, words))}")
        sys.exit(2)
    except (RnstError, OSError) as error:
        _report(f"error: {one_line(error)}")
        sys.exit(2)
    except KeyboardInterrupt as stop:
        _report(str(stop) or "stopped")
        sys.exit(exit_status(stop))


def _report(line: str) -> None:
    """Write a line to standard error, where that can be written."""
    with contextlib.suppress(LostOutputError), lasting_streams():
        sys.stderr.write(f"{line}\n")


def _less_memory(command: Command, words: list[str]) -> str:
    """What to do about memory that did not suffice for a command."""
    name = words[0] if command is _dispatch and words else command.__module__.rpartition(".")[2]
    return f"Lower {_LESS_MEMORY.get(name, '--memory, --tile or --size')}, or free the memory that other programs take"


def _dispatch(arguments: list[str]) -> None:
    if arguments and arguments[0] in COMMANDS:
        _command(arguments[0])(arguments[1:])
        return
    if arguments and not arguments[0].startswith("-"):
        raise UnknownNameError("command", arguments[0], COMMANDS)
    asked = not arguments or arguments[0] in {"-h", "--help"}
    (sys.stdout if asked else sys.stderr).write(_overview())
    sys.exit(0 if asked else 2)


def _overview() -> str:
    """The commands by group, each with its purpose."""
    width = max(map(len, COMMANDS))
    lines = ["usage: rnst COMMAND [--help]\n"]
    for title, commands in GROUPS.items():
        lines += [f"\n{title}\n", *(f"  {name:<{width}}  {summary}\n" for name, summary in commands.items())]
    return "".join(lines)
