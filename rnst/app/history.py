"""What was made: read from the records in the output folder, so that nothing is lost with the page."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rnst.errors import MissingPathError, RnstError
from rnst.files import numbered
from rnst.results import Result
from rnst.stylization.pace import duration
from rnst.stylization.state import is_state, state_path

DEEP = ".tif"
"""Ending of the file with 16 bits beside a picture."""
_LONGEST_STEM = 180  # bytes; file systems take 255 with number and ending


@dataclass(frozen=True)
class Made:
    """A picture of the output folder.

    Attributes:
        result: its record.
    """

    result: Result

    @property
    def name(self) -> str:
        """File name, which no other picture of the folder has."""
        return self.result.image.name

    @property
    def deep(self) -> Path | None:
        """The file with 16 bits; None where there is none."""
        path = self.result.image.with_suffix(DEEP)
        return path if path.is_file() else None

    @property
    def can_resume(self) -> bool:
        """Whether it was stopped, and can go on exactly where it was."""
        return not self.result.finished and is_state(state_path(self.result.image))

    @property
    def title(self) -> str:
        """Name without its ending; stopped pictures are marked."""
        return self.result.image.stem + ("" if self.result.finished else " (stopped)")

    @property
    def caption(self) -> str:
        """One short line."""
        width, height = self.result.size
        stopped = "" if self.result.finished else ", stopped"
        return f"{self.result.image.stem} · {width} x {height}, {duration(self.result.seconds)}{stopped}"


def made_in(folder: Path) -> list[Made]:
    """Pictures of a folder, the latest first; files that are no records of pictures are ignored."""
    found = []
    for sidecar in folder.glob("*.json") if folder.is_dir() else ():
        try:
            status = sidecar.stat()
            made = _read(sidecar, status.st_mtime_ns, status.st_size)
        except OSError:
            continue
        if made is not None and made.result.image.is_file():
            found.append((status.st_mtime_ns, made.name, made))
    return [made for *_, made in sorted(found, key=lambda one: one[:2], reverse=True)]


def find(folder: Path, name: str) -> Made:
    """A picture of a folder by its name.

    Raises:
        MissingPathError: there is none; a name is never followed as a path.
    """
    made = next((made for made in made_in(folder) if made.name == name), None)
    if made is None:
        raise MissingPathError(name, "picture", f"It is no longer in {folder}.")
    return made


def free_name(folder: Path, stem: str, taken: Collection[Path] = ()) -> Path:
    """A PNG in the folder that replaces nothing: -2, -3, ... is added to the stem; one that is too long is cut."""
    endings = (".png", DEEP, ".json")
    short = stem.encode()[:_LONGEST_STEM].decode(errors="ignore")
    names = (path for path in numbered(folder / f"{short}.png") if path not in taken)
    return next(path for path in names if not any(path.with_suffix(ending).exists() for ending in endings))


@lru_cache(maxsize=1000)
def _read(sidecar: Path, _changed: int, _size: int) -> Made | None:
    """A record; one that has not changed since is not read again."""
    try:
        return Made(Result.read(sidecar))
    except RnstError:
        return None
