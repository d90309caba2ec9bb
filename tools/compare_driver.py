"""Runs many command lines of one checkout: `compare_commits.py` starts it once for each commit.

The program's libraries are imported once, by asking it for help; then every scene is a fork of this process, so that
none sees what another one left behind. Nothing of the program is used but `stylize.py` and `train_robust.py`.
"""

import json
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SLEEP = 0.002  # seconds between two looks for a file

_STOPPED = 130  # of a program that Ctrl-C stopped


def main(plan: dict[str, Any]) -> None:
    """Run all scenes of a plan, several at a time.

    Args:
        plan: "checkout", a folder; "jobs", how many run at a time; "scenes", each with "folder" and "commands", and
            each command with "program", "arguments" and "stop_at".
    """
    checkout = Path(plan["checkout"])
    # As `python stylize.py` has it; a checkout with its package below src is one, too.
    sys.path[0:1] = [str(checkout), str(checkout / "src")]
    for program in ("stylize", "train_robust"):
        _status(checkout / f"{program}.py", ["--help"])
    sys.stdout.flush()  # or each fork would write it once more
    running: dict[int, Path] = {}
    for scene in plan["scenes"]:
        if len(running) == plan["jobs"]:
            _wait(running)
        child = os.fork()
        if child == 0:
            os._exit(_perform(checkout, scene))
        running[child] = Path(scene["folder"])
    while running:
        _wait(running)


def _wait(running: dict[int, Path]) -> None:
    """Until one scene ends; its exit status is left in its folder."""
    child, status = os.waitpid(-1, 0)
    if child in running:
        (running.pop(child) / "status").write_text(f"{os.waitstatus_to_exitcode(status)}\n")


def _perform(checkout: Path, scene: dict[str, Any]) -> int:
    """All commands of a scene in its folder, in this process, up to the first that fails."""
    os.chdir(scene["folder"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    status = 0
    for command in scene["commands"]:
        if command["stop_at"]:
            threading.Thread(target=_stop_at, args=(Path(command["stop_at"]),), daemon=True).start()
        ended = _status(checkout / f"{command['program']}.py", command["arguments"])
        status = status or (0 if command["stop_at"] and ended == _STOPPED else ended)
        sys.stdout.flush()
        sys.stderr.flush()
    return status


def _stop_at(path: Path) -> None:
    """Press Ctrl-C as soon as a file is there."""
    while not path.exists():
        time.sleep(_SLEEP)
    os.kill(os.getpid(), signal.SIGINT)


def _status(script: Path, arguments: Sequence[str]) -> int:
    """Run a script as Python does; the exit status."""
    sys.argv = [str(script), *arguments]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it is, it is that scene's end, and is reported
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
