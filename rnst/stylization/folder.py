"""A folder of photos, or the frames of a sequence, stylized one after the other with one network and one style."""

import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from rnst.errors import InvalidValueError, RnstError, counted
from rnst.image.endings import LONGEST_SIDES
from rnst.image.files import left_out, pictures_in, read_image
from rnst.image.samples import find_picture
from rnst.optimization.workers import in_processes
from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.claims import claim
from rnst.stylization.inputs import read_inputs
from rnst.stylization.job import Job
from rnst.stylization.parallel import are_spread, of_one_device, stylize_alone
from rnst.stylization.picture import Stylized, stylize_inputs
from rnst.stylization.progress import OnStep
from rnst.stylization.record import check_scores, finished
from rnst.stylization.sequence import following, frame_of
from rnst.stylization.session import Session, open_session
from rnst.stylization.targets import StyleTargets


class FolderError(RnstError):
    """Some pictures of a folder could not be stylized."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__(
            f"{counted(len(failures), 'picture')} failed, the first: {failures[0]}. The others are finished and kept"
        )


def stylize_jobs(jobs: Sequence[Job], console: Console | None = None, on_step: OnStep | None = None) -> list[Result]:
    """Stylize the pictures of one folder, of one network and one style; for the errors, see `stylize_folder`.

    Args:
        jobs: in the order of the pictures; those that are finished already are not made again.
        console: see `stylize`.
        on_step: see `stylize`.

    Returns:
        A result for each job.
    """
    for name in jobs[0].pictures.styles:
        read_image(find_picture(name))  # an unreadable style is reported once, not for every photo
    claim(jobs)
    session = open_session(jobs[0], console or Console(stderr=True), on_step)
    results = [_finished(job, index, jobs[index - 1] if index else None) for index, job in enumerate(jobs)]
    there = sum(result is not None for result in results)
    session.console.print(f"{len(jobs)} pictures" + (f", {there} of them finished already" if there else ""))
    if others := [path.name for path in left_out(Path(jobs[0].pictures.content).parent)]:
        session.console.print(f"not read, as of their format: {', '.join(others)}", markup=False)
    missing = [index for index, result in enumerate(results) if result is None]
    if are_spread([jobs[index] for index in missing], session):
        complete, failures = _spread(jobs, results, missing, session)
    else:
        complete, failures = _stylize_all(jobs, results, session)
    if failures:
        raise FolderError(failures)
    return complete


def places(folder: Path, output: Path) -> list[tuple[str, Path]]:
    """Each photo of a folder, and where its picture goes.

    Args:
        folder: of photos.
        output: folder of the pictures; where it ends as a picture file, see `stylize_folder`.

    Returns:
        In the order of the names: frame 2 before frame 10.

    Raises:
        MissingPathError: the folder has no pictures.
        InvalidValueError: the pictures would go into the folder of the photos.
    """
    photos = sorted(pictures_in(folder), key=_natural)
    names_format = output.suffix.lower() in LONGEST_SIDES  # otherwise a point is part of the folder's name
    ending, target = (output.suffix, output.with_suffix("")) if names_format else (".png", output)
    if target.resolve() == folder.resolve():
        raise InvalidValueError("--output", str(output), "another folder than that of the photos")
    stems = [path.stem for path in photos]
    targets = [
        target / f"{path.stem if stems.count(path.stem) == 1 else path.name.replace('.', '_')}{ending}"
        for path in photos
    ]
    return [(str(photo), path) for photo, path in zip(photos, targets, strict=True)]


def _spread(
    jobs: Sequence[Job], there: Sequence[Result | None], missing: Sequence[int], session: Session
) -> tuple[list[Result], list[str]]:
    """Like `_stylize_all`, a picture for each device at a time."""
    results, failures = list(there), list[str]()
    work = [of_one_device(jobs[index]) for index in missing]
    for done, (index, outcome) in enumerate(in_processes(stylize_alone, work, jobs[0].limits.devices), start=1):
        name = Path(work[index].pictures.content).name
        if isinstance(outcome, RnstError):
            failures.append(str(outcome))
            session.console.print(f"failed: {name}: {outcome}", markup=False)
        else:
            results[missing[index]] = _complete(outcome)
            session.console.print(f"{done} of {len(missing)}: {name}, {outcome.seconds:.0f} s", markup=False)
    return [result for result in results if result is not None], failures


def _complete(result: Result) -> Result:
    """The result, unless its run was stopped."""
    if not result.finished:
        raise Stopped("stopped; the same command with --resume goes on where it was")
    return result


def _stylize_all(
    jobs: Sequence[Job], there: Sequence[Result | None], session: Session
) -> tuple[list[Result], list[str]]:
    """Results, and what went wrong with the pictures that have none."""
    results, failures = list[Result](), list[str]()
    targets: StyleTargets | None = None
    last: Job | None = None
    for number, (job, found) in enumerate(zip(jobs, there, strict=True), start=1):
        result = _finished(job, number - 1, last) if job.pictures.sequence else found  # the last one may be new
        if result is None:
            session.console.print(f"{number} of {len(jobs)}: {Path(job.pictures.content).name}", markup=False)
            try:
                picture, targets = _next(job, number - 1, session, targets, last)
                result = picture.result
            except RnstError as error:
                failures.append(str(error))
                session.console.print(f"failed: {error}", markup=False)
                continue
        results.append(_complete(result))
        last = job if job.pictures.sequence else None
    return results, failures


def _next(
    job: Job, index: int, session: Session, targets: StyleTargets | None, last: Job | None
) -> tuple[Stylized, StyleTargets]:
    """Stylize one picture, in a sequence starting from the last one, as its file has it."""
    inputs = read_inputs(job.pictures, job.resolution, job.look.style_scale)
    check_scores(job, inputs)
    if targets is None or job.pictures.colors != "free":
        targets = StyleTargets(job.look, session.encoder, inputs.regions, job.limits)
    if last is not None:
        photo = read_inputs(last.pictures, last.resolution).content
        job = frame_of(job, index, last.records.output)
        inputs = following(job, inputs, photo, read_image(last.records.output))
    return stylize_inputs(job.at(inputs.size), inputs, session, targets), targets


def _finished(job: Job, index: int, last: Job | None) -> Result | None:
    """The picture that is there already: alone, or of a sequence as it goes on from the last one."""
    return finished(frame_of(job, index, last.records.output) if last and job.pictures.sequence else job)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part.casefold()) for part in re.split(r"(\d+)", path.name)]
