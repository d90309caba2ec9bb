"""Does the program still give the same pictures and weights bit for bit? It runs many small scenes at two commits.

    python tools/compare_commits.py main HEAD
    python tools/compare_commits.py --cache ../compared HEAD . --only 'tiles*'
    python tools/compare_commits.py HEAD . --rename style_loss=style_distance --rename style_loss:w2=wasserstein

A and B are revisions of git; `.` or WORKTREE is the working tree. Every scene is a command line of
`stylize.py` or `train_robust.py`; only what it writes is compared: pixels, losses and scores of the sidecar, weights.
So both commits may be laid out as they like, as long as the two scripts are in their root.

--rename gives a name of A that is another one at B, as often as needed:
    OLD=NEW          an option; with nothing as NEW, it is left out together with its values
    OPTION:OLD=NEW   a value of an option of A
    loss:OLD=NEW     a loss or a score in the sidecar
Where B has another default, --add OPTION=VALUE gives the old one to every picture of B that sets no other.

The line of a scene that differs describes how; one that failed shows the last line of its errors. The exit status is 0
where all are equal. All scenes run on the CPU, with one thread each. With --cache, the results of a commit are kept and
found again, scene by scene; those of a working tree are not.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.compare_results import EQUAL, STATUS, compare
from tools.compare_scenes import SCENES, Wording, write_inputs

_REPOSITORY = Path(__file__).resolve().parents[1]
_WORKING_TREE = (".", "WORKTREE")
_PATIENCE = 3600.0  # seconds for all scenes of a commit; they take 240 of a busy processor
_SURROUNDINGS = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "WANDB_MODE": "disabled",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenes at both commits, print the table, return the exit status."""
    options = _options(arguments)
    names = [name for name in SCENES if fnmatch(name, options.only)]
    if options.list or not names:
        print("\n".join(names or [f"no scene is called {options.only}; --list lists them"]))
        return 0 if names else 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is temporary is removed then, too
    renames, added = (dict(pair.split("=", 1) for pair in pairs) for pairs in (options.rename, options.add))
    with tempfile.TemporaryDirectory(prefix="compare-") as work:
        first = _results(options.a, names, Wording(), Path(work, "a"), options)
        second = _results(options.b, names, Wording(renames, added), Path(work, "b"), options)
        found = {name: compare(first[name], second[name], renames) for name in names}
    width = max(map(len, names))
    for name, text in found.items():
        print(f"{name:<{width}}  {text}")
    equal = list(found.values()).count(EQUAL)
    print(f"{equal} of {len(names)} scenes equal")
    return int(equal < len(names))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", metavar="A", nargs="?", default="HEAD", help="the commit that is right [HEAD]")
    parser.add_argument("b", metavar="B", nargs="?", default=".", help="the commit to check [.]")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="scenes that run at a time [2]")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="scenes whose names match, as 'tiles*'")
    parser.add_argument("--rename", action="append", default=[], metavar="OLD=NEW", help="see above")
    parser.add_argument("--add", action="append", default=[], metavar="OPTION=VALUE", help="see above")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="where results of commits are kept")
    parser.add_argument("--list", action="store_true", help="list the scenes and leave")
    options = parser.parse_args(arguments)
    if wrong := [pair for pair in (*options.rename, *options.add) if "=" not in pair]:
        parser.error(f"--rename and --add take NAME=VALUE, not {wrong[0]}")
    return options


def _results(
    revision: str, names: Sequence[str], wording: Wording, work: Path, options: argparse.Namespace
) -> dict[str, Path]:
    """Name of each scene -> folder with what it wrote at a commit; from the cache where it is there."""
    write_inputs(work)
    if revision in _WORKING_TREE:
        return _run(_REPOSITORY, names, wording, work, options.jobs)
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}")
    if options.cache is None:
        with _checkout(commit) as checkout:
            return _run(checkout, names, wording, work, options.jobs)
    kept = {name: options.cache / commit / _fingerprint(name, wording, work) for name in names}
    missing = [name for name in names if not kept[name].is_dir()]
    try:
        if missing:
            with _checkout(commit) as checkout:
                _run(checkout, missing, wording, work, options.jobs)
    finally:  # what is finished is kept, also when the user stops the rest
        for name in missing:
            _keep(work / _folder(name), kept[name])
    return {name: kept[name] if kept[name].is_dir() else work / _folder(name) for name in names}


def _keep(folder: Path, place: Path) -> None:
    """Copy what a scene wrote to its place in the cache, if it came to its end."""
    if (folder / STATUS).is_file():
        aside = place.with_name(f"{place.name}-{os.getpid()}")
        shutil.copytree(folder, aside, ignore=shutil.ignore_patterns("runs"))
        aside.rename(place)


def _run(checkout: Path, names: Sequence[str], wording: Wording, work: Path, jobs: int) -> dict[str, Path]:
    """Run scenes of a checkout by one driver, and wait for it."""
    folders = {name: work / _folder(name) for name in names}
    for folder in folders.values():
        folder.mkdir()
    scenes = [{"folder": str(folders[name]), "commands": _commands(name, wording)} for name in names]
    plan = work / "plan"
    plan.write_text(json.dumps({"checkout": str(checkout), "jobs": jobs, "scenes": scenes}), encoding="utf-8")
    driver = [sys.executable, str(Path(__file__).with_name("compare_driver.py")), str(plan)]
    surroundings = {**os.environ, **_SURROUNDINGS, "PYTHONPATH": f"{checkout}{os.pathsep}{checkout / 'src'}"}
    with (work / "log").open("w") as log:
        # A group of its own, so that it ends together with its scenes and their processes.
        running = subprocess.Popen(
            driver, cwd=work, env=surroundings, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        running.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        print(f"the scenes at {checkout} were stopped after {_PATIENCE:g} s", file=sys.stderr)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    for runs in work.glob("*/runs"):  # checkpoints and logs of trainings
        shutil.rmtree(runs)
    return folders


@contextlib.contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    """A working tree of a commit in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        checkout = Path(folder) / "checkout"
        _git("worktree", "add", "--quiet", "--detach", str(checkout), commit)
        try:
            yield checkout
        finally:
            _git("worktree", "remove", "--force", str(checkout))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(_REPOSITORY), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _commands(name: str, wording: Wording) -> list[dict[str, object]]:
    return [
        {"program": command.program, "arguments": wording.arguments(command), "stop_at": command.stop_at}
        for command in SCENES[name]
    ]


def _fingerprint(name: str, wording: Wording, inputs: Path) -> str:
    """A hash of a scene and of all pictures that scenes read."""
    found = hashlib.sha256(json.dumps(_commands(name, wording)).encode())
    for path in sorted(inputs.rglob("*.png")):
        found.update(path.relative_to(inputs).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def _folder(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "_")


if __name__ == "__main__":
    sys.exit(main())
