"""Only one process at a time trains in the folder of a run."""

from pathlib import Path
from typing import IO

from rnst.errors import RnstError

_held: dict[Path, IO[str]] = {}


class RunInUseError(RnstError):
    """Two trainings would share one run folder: checkpoints, tables and the exported file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another training is running in {folder}: wait for its end, or give another --output")


def lock_run(folder: Path) -> None:
    """Hold the folder of a run until this process ends, in whatever way.

    The lock is that of the operating system on an empty file beside the folder; the file itself means nothing.

    Raises:
        RunInUseError: another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    path = folder.with_name(f".{folder.name}.lock").absolute()
    if path in _held:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise RunInUseError(folder) from error
    except OSError:  # a file system without locks
        file.close()
        return
    _held[path] = file
