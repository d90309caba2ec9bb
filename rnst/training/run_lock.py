"""Only one process at a time trains in the folder of a run."""

from pathlib import Path

from rnst.errors import RnstError
from rnst.machine import hold


class RunInUseError(RnstError):
    """Two trainings would share one run folder: checkpoints, tables and the exported file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"another training is running in {folder}: wait for its end, or give another --output")


def lock_run(folder: Path) -> None:
    """Hold the folder of a run until this process ends, in whatever way.

    Raises:
        RunInUseError: another process holds it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not hold(folder.with_name(f".{folder.name}.lock")):
        raise RunInUseError(folder)
