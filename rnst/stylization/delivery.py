"""The finished picture reaches the disk: where it was asked for, or, where that fails, at a second place."""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from rnst.errors import RnstError
from rnst.image.files import Picture, write_image
from rnst.recorded_paths import names_only
from rnst.results import Result
from rnst.secondary import Secondary, reason_of
from rnst.stylization.parts import Records

_FAILURES = (OSError, ValueError, RuntimeError, MemoryError)  # of image libraries, which a full disk reaches as well
_MOST_NUMBERS = 1000
_log = logging.getLogger(__name__)


class ElsewhereError(RnstError):
    """The picture could not be written where it was asked for, and is somewhere else."""

    def __init__(self, output: Path, reason: str, place: Path) -> None:
        super().__init__(f"{output} cannot be written: {reason}. The finished picture is in {place}")


class UnwrittenError(RnstError):
    """The picture could not be written anywhere."""

    def __init__(self, output: Path, reason: str) -> None:
        super().__init__(f"{output} cannot be written: {reason}; nor can it be in other folders")


def deliver(image: Tensor, result: Result, records: Records, photo: Picture | None) -> None:
    """Write a picture and its sidecar.

    A sidecar that cannot be written costs a warning.

    Args:
        image: (1, 3, H, W) in [0, 1].
        result: its record; `result.image` is the file.
        records: how the file is written, and what is stored in it.
        photo: that it was made from; its transparency, profile and credits are restored.

    Raises:
        ElsewhereError: the picture had to be written to another place.
        UnwrittenError: it could not be written at all.
    """
    try:
        _write(image, result, records, photo)
    except _FAILURES as error:
        place = _second_place(image, result, records, photo)
        if place is None:
            raise UnwrittenError(result.image, reason_of(error)) from error
        raise ElsewhereError(result.image, reason_of(error), place) from error
    with Secondary(f"the record of {result.image}", "the picture itself is complete"):
        result.write()


def _write(image: Tensor, result: Result, records: Records, photo: Picture | None) -> None:
    write_image(
        image,
        result.image,
        None if records.metadata == "none" else names_only(result.settings),
        quality=records.quality,
        depth=records.depth,
        like=photo,
        credits_=records.credits_of(photo),
    )


def _second_place(image: Tensor, result: Result, records: Records, photo: Picture | None) -> Path | None:
    """Write to the first place that takes the picture; plain, as PNG, where its own format is what fails."""
    for place in _places(result.image):
        for path, plain in ((place, False), (place.with_suffix(".png"), True)):
            try:
                if plain:
                    write_image(image, path)
                else:
                    _write(image, replace(result, image=path), records, photo)
            except _FAILURES as error:
                _log.debug("%s: %s", path, error)
                continue
            with Secondary(f"the record of {path}"):
                replace(result, image=path).write()
            return path
    return None


def _places(output: Path) -> Iterator[Path]:
    """Free names in the folder for temporary files, the current folder and the home folder."""
    for folder in (Path(tempfile.gettempdir()), Path.cwd(), Path("~").expanduser()):
        if folder.absolute() == output.parent.absolute():
            continue
        names = (f"{output.stem}-{number}" if number > 1 else output.stem for number in range(1, _MOST_NUMBERS))
        free = (folder / f"{name}{output.suffix}" for name in names)
        yield from [next(path for path in free if not path.exists() and not path.with_suffix(".png").exists())]
