"""Entry points: settings become jobs here, and everything below works on jobs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from rnst.errors import InvalidValueError, UnreadableFileError
from rnst.image.endings import check_format
from rnst.results import Result
from rnst.stylization.folder import places, stylize_jobs
from rnst.stylization.job import Job, resolve
from rnst.stylization.output_names import named_by
from rnst.stylization.picture import Stylized, stylize_job
from rnst.stylization.progress import OnStep
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.video import open_clip


def stylize(
    settings: StylizationSettings | None = None,
    *,
    console: Console | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> Stylized:
    """Stylize one picture; write it and its sidecar.

    Ctrl-C stops the optimization early and keeps the best picture so far.

    Args:
        settings: of the picture; None means the defaults.
        console: where progress is shown; None means standard error.
        on_step: called after each step with its number, the picture (1, 3, H, W) in [0, 1] and the losses by name.
        options: fields of StylizationSettings; they outrank `settings`.

    Raises:
        RnstError: a subclass for every mistake in the input, before any work is done.
        TypeError: an option that StylizationSettings does not have.
    """
    return stylize_job(job_of((settings or StylizationSettings()).replaced(**options)), console, on_step)


def stylize_folder(
    settings: StylizationSettings | None = None,
    *,
    console: Console | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> list[Result]:
    """Stylize every picture of a folder; the styles are measured once.

    `output` names a folder; where it ends as a picture file, that ending is the format, and the folder has its name
    without it. Pictures that exist and are finished with the same settings are not made again.

    Args:
        settings: see `rnst.stylization.stylize.stylize`; the content is a folder.
        console: see there.
        on_step: see there.
        options: see there.

    Returns:
        A result for each picture, in the order of their names (frame 2 before frame 10).

    Raises:
        RnstError: a mistake in the input, before any work is done; or at the end, where single pictures failed.
        KeyboardInterrupt: stopped; finished pictures are kept, and the best state of the current one.
    """
    return stylize_jobs(jobs_of_folder((settings or StylizationSettings()).replaced(**options)), console, on_step)


def stylize_video(
    settings: StylizationSettings | None = None,
    *,
    console: Console | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> list[Result]:
    """Stylize the frames of a video as a sequence, and write them as a video with its rate and sound.

    The frames are pictures in a folder beside the output, which ends in .frames. A repeated command stylizes only
    those that are missing. The stylized ones stay there.

    Args:
        settings: see `rnst.stylization.stylize.stylize`; the content is a video, and so is the output.
        console: see there.
        on_step: see there.
        options: see there.

    Returns:
        The results of the frames.

    Raises:
        RnstError: a mistake in the input, before any work is done; or single frames failed.
        KeyboardInterrupt: stopped; finished frames are kept.
    """
    settings = (settings or StylizationSettings()).replaced(**options)
    console = console or Console(stderr=True)
    clip = open_clip(Path(settings.content), named_by(settings.output, resolve(settings).as_dict()))
    clip.decode(console)
    frames = settings.replaced(content=str(clip.photos), output=clip.stylized, sequence=settings.is_sequence)
    results = stylize_jobs(jobs_of_folder(frames), console, on_step)
    if note := clip.encode(result.image for result in results):
        console.print(note, markup=False)
    console.print(f"{clip.output}: {len(results)} frames, {float(clip.rate):g} per second", markup=False)
    return results


def job_of(settings: StylizationSettings) -> Job:
    """The job of one picture, with its output named.

    Raises:
        RnstError: the content is a folder or a video; or see `resolve` and `named_by`.
    """
    if settings.has_folder:
        raise InvalidValueError("--content", settings.content, "one picture; stylize_folder stylizes those of a folder")
    if settings.has_video:
        raise InvalidValueError("--content", settings.content, "one picture; stylize_video stylizes a video")
    if settings.sequence:
        raise InvalidValueError("--sequence", settings.sequence, "false unless --content is a folder of frames")
    job = resolve(settings)
    output = named_by(settings.output, job.as_dict())
    return replace(job, records=replace(job.records, output=output))


def jobs_of_folder(settings: StylizationSettings) -> list[Job]:
    """A job for each picture of a folder, in the order of their names.

    Raises:
        RnstError: see `places`, `check_format`, `resolve` and `named_by`.
    """
    pictures = places(Path(settings.content), named_by(settings.output, resolve(settings).as_dict()))
    check_format(pictures[0][1], settings.size, settings.depth)
    return [_job_in_folder(settings.replaced(content=photo, output=path)) for photo, path in pictures]


def _job_in_folder(settings: StylizationSettings) -> Job:
    """The job of one photo; one that cannot be read, so that its print has no size, is reported once its turn comes."""
    try:
        return resolve(settings)
    except UnreadableFileError:
        return resolve(settings.replaced(print=None))
