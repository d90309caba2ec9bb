"""From a command line to a command. Each command is a file in `rnst/commands`, imported when it is asked for."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version

from rnst.errors import RnstError, UnknownNameError

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning idle threads slow a shared machine many times over

_STOPPED = 130  # what a shell reports of a program that Ctrl-C ended

Command = Callable[[list[str]], None]

COMMANDS = {
    "stylize": "paint a photo in the style of a painting; also as stylize.py",
    "train": "train robust weights; also as train_robust.py",
    "curve": "draw the accuracy of trainings by epoch",
    "evaluate": "measure a network clean and under attack",
    "corruption": "natural robustness: common corruptions, mCE, attacks beside it",
    "transferability": "train on another network's non-robust features, measure transfer of attacks",
    "pack": "pack a folder of photos for training on many machines, from disks or a bucket",
    "models": "list the networks",
    "convert": "weights of others to ours, ours to MadryLab's layout",
    "sweep": "paint every content in every style by every encoder; score, pick and compare",
    "visualize": "make pictures that excite networks, with and without priors, on one sheet",
    "layers": "measure how robust each layer is, and paint by each alone",
    "artifacts": "find where checkerboards in pictures come from, and what helps",
    "dashboard": "build a Weights & Biases workspace that compares runs",
    "compare": "compare trainings, pictures and sweeps on one page",
    "gallery": "write finished pictures as one page",
}


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
    """Run a command; turn our own errors into one line and exit status 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "--version" in words:
        sys.stdout.write(f"rnst {version('rnst')}\n")
        return
    try:
        command(words)
    except BrokenPipeError:  # the reader has seen enough, as in `rnst models | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (RnstError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except KeyboardInterrupt as stop:
        sys.stderr.write(f"{str(stop) or 'stopped'}\n")
        sys.exit(_STOPPED)


def _dispatch(arguments: list[str]) -> None:
    if arguments and arguments[0] in COMMANDS:
        _command(arguments[0])(arguments[1:])
        return
    if arguments and not arguments[0].startswith("-"):
        raise UnknownNameError("command", arguments[0], COMMANDS)
    lines = [f"  {name:<10} {summary}\n" for name, summary in COMMANDS.items()]
    text = "".join(["usage: rnst COMMAND [--help]\n\n", *lines])
    asked = not arguments or arguments[0] in {"-h", "--help"}
    (sys.stdout if asked else sys.stderr).write(text)
    sys.exit(0 if asked else 2)
