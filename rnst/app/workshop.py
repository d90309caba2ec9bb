"""What the page does, without the page: pictures are asked for, made one after the other, and found again."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from rnst.app.command_line import given
from rnst.app.history import DEEP, Made, find, free_name, made_in
from rnst.app.jobs import Jobs
from rnst.app.request import Request, larger, larger_options
from rnst.errors import RnstError
from rnst.image.files import read_picture, write_image
from rnst.image.samples import find_picture
from rnst.results import Result
from rnst.secondary import Secondary
from rnst.stylization.combinations import NO_CONTENT
from rnst.stylization.inputs import content_size
from rnst.stylization.job import Job
from rnst.stylization.live_state import LiveState
from rnst.stylization.picture import stylize_job
from rnst.stylization.scales import Scale
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import job_of

Parse = Callable[[Sequence[str]], dict[str, Any]]


@dataclass(frozen=True)
class Folders:
    """Where the page keeps files.

    Attributes:
        output: of finished pictures and their records.
    """

    output: Path

    @property
    def uploads(self) -> Path:
        """Photos and paintings that were received."""
        return self.output / "app" / "pictures"

    @property
    def masks(self) -> Path:
        """Regions that were drawn."""
        return self.output / "app" / "masks"

    @property
    def cache(self) -> Path:
        """What the server copies, and small previews; it may be deleted between two runs."""
        return self.output / "app" / "cache"


class AtWorkError(RnstError):
    """A picture that was stopped goes on already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} goes on already")


class Workshop:
    """Takes requests, queues pictures, finds them again.

    Args:
        output: folder of the pictures.
        parse: the parser of `stylize.py`: words of a command line -> options by name.
    """

    def __init__(self, output: Path, parse: Parse) -> None:
        self.folders = Folders(output)
        self.jobs = Jobs(make, lambda job: LiveState(_scales(job)))
        self._parse, self._lock = parse, threading.Lock()

    def draft(self, request: Request) -> Path:
        """Queue a small picture that takes seconds; its file.

        Raises:
            RnstError: a mistake in the request, with the line that the command would print.
        """
        return self._add(self._options(request.draft()))

    def picture(self, request: Request) -> Path:
        """Queue the picture at its size; see `draft`."""
        return self._add(self._options(request.full()))

    def larger(self, name: str, chosen: int, detail: float) -> Path:
        """Queue a larger picture that goes on from a finished one, with its look.

        Args:
            name: of the finished one.
            chosen: long side in pixels; one that is not larger means twice the size.
            detail: see `supersample`.

        Raises:
            RnstError: it is gone, or was made from files that are gone.
        """
        made = find(self.folders.output, name)
        size = larger(max(made.result.size), chosen)
        return self._add(larger_options(given(made.result.settings), made.result.image, size, detail))

    def go_on(self, name: str, request: Request) -> Path:
        """Resume a picture that was stopped exactly where it was; or begin the requested one with a finished picture.

        Raises:
            RnstError: see `draft` and `larger`.
        """
        made = find(self.folders.output, name)
        if not made.can_resume:
            return self._add(self._options(request.from_picture(made.result.image)))
        settings = StylizationSettings(**{**given(made.result.settings), "output": made.result.image, "resume": True})
        with self._lock:
            if settings.output in self._taken():
                raise AtWorkError(name)
            self.jobs.add(job_of(settings))
        return settings.output

    def history(self) -> list[Made]:
        """What was made, the latest first."""
        return made_in(self.folders.output)

    def _options(self, words: Sequence[str]) -> dict[str, Any]:
        with self._lock:  # the parser is not made for several threads
            return self._parse(words)

    def _add(self, options: dict[str, Any]) -> Path:
        """Queue a picture under a free name; what can be checked early is."""
        settings = StylizationSettings(**{**options, "output": Path("picture.png")})
        for picture in [*settings.styles, *([settings.content] if settings.content != NO_CONTENT else [])]:
            read_picture(find_picture(picture))
        _scales(job_of(settings))
        with self._lock:
            names = [Path(name).stem for name in (settings.content, *settings.styles)]
            output = free_name(self.folders.output, f"{names[0]}--{'+'.join(names[1:])}", self._taken())
            self.jobs.add(job_of(settings.replaced(output=output)))
        return output

    def _taken(self) -> set[Path]:
        """Files of the pictures that are in progress or wait."""
        seen = self.jobs.seen()
        return {*seen.waiting, *([seen.output] if seen.output else [])}


def make(job: Job, live: LiveState) -> Result:
    """Stylize one picture; beside the PNG, the same with 16 bits."""
    made, pictures = stylize_job(job, Console(quiet=True), live), job.pictures
    deep = made.result.image.with_suffix(DEEP)
    with Secondary(f"the copy with 16 bits, {deep.name}", "the picture itself is complete"):
        photo = read_picture(find_picture(pictures.content)) if pictures.has_content else None
        write_image(made.image, deep, made.result.settings, like=photo)
    return made.result


def _scales(job: Job) -> tuple[Scale, ...]:
    """The sizes of a picture, from coarse to fine.

    Raises:
        RnstError: the photo cannot be read.
    """
    return job.at(content_size(job.pictures)).scales
