"""A folder of photos, or the frames of a sequence, painted one after the other with one network and one style."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from torch import Tensor

from rnst.errors import InvalidValueError, RnstError
from rnst.image.endings import check_format
from rnst.image.files import pictures_in, read_image
from rnst.image.samples import find_picture
from rnst.optimization.workers import in_processes
from rnst.results import Result
from rnst.stylization.inputs import read_inputs
from rnst.stylization.output_names import named_by
from rnst.stylization.parallel import are_spread, of_one_device, stylize_alone
from rnst.stylization.progress import OnStep
from rnst.stylization.record import check_scores, describe
from rnst.stylization.session import Session, open_session
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import Stylized, paint, with_layers
from rnst.stylization.targets import StyleTargets

_OF_THE_RUN = ("scales", "tile", "memory", "devices")  # may differ between runs that paint the same


class FolderError(RnstError):
    """Some pictures of a folder could not be painted."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__(f"{len(failures)} pictures failed, the first: {failures[0]}. The others are finished and kept")


def stylize_folder(
    settings: StylizationSettings | None = None,
    *,
    console: Console | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> list[Result]:
    """Paint every picture of a folder; the styles are measured once.

    `output` names a folder; where it ends as a picture file, that ending is the format, and the folder has its name
    without it. Pictures that are there already, painted to the end with the same settings, are not painted again.

    Args:
        settings: as of `rnst.stylization.stylize.stylize`; the content is a folder.
        console: as there.
        on_step: as there.
        options: as there.

    Returns:
        A result for each picture, in the order of their names (frame 2 before frame 10).

    Raises:
        RnstError: a mistake in the input, before any work is done; or at the end, where single pictures failed.
        KeyboardInterrupt: stopped; what is finished is kept, and the picture at work as far as it was.
    """
    settings = with_layers((settings or StylizationSettings()).replaced(**options))
    settings = settings.replaced(output=named_by(settings.output, settings.as_dict()))
    jobs = _jobs(settings)
    for name in settings.styles:
        read_image(find_picture(name))  # a style that cannot be read is told once, and not for every photo
    session = open_session(settings, console or Console(stderr=True), on_step)
    finished = [_finished(job) for job in jobs]
    there = sum(result is not None for result in finished)
    session.console.print(f"{len(jobs)} pictures" + (f", {there} of them finished already" if there else ""))
    missing = [index for index, result in enumerate(finished) if result is None]
    if are_spread([jobs[index] for index in missing], session):
        results, failures = _spread(jobs, finished, missing, session)
    else:
        results, failures = _stylize_all(jobs, finished, session)
    if failures:
        raise FolderError(failures)
    return results


def _spread(
    jobs: Sequence[StylizationSettings], finished: Sequence[Result | None], missing: Sequence[int], session: Session
) -> tuple[list[Result], list[str]]:
    """Like `_stylize_all`, a picture for each device at a time."""
    results, failures = list(finished), list[str]()
    work = [of_one_device(jobs[index]) for index in missing]
    for done, (index, outcome) in enumerate(in_processes(stylize_alone, work, jobs[0].devices), start=1):
        name = Path(work[index].content).name
        if isinstance(outcome, RnstError):
            failures.append(str(outcome))
            session.console.print(f"failed: {name}: {outcome}", markup=False)
        else:
            results[missing[index]] = _complete(outcome)
            session.console.print(f"{done} of {len(missing)}: {name}, {outcome.seconds:.0f} s", markup=False)
    return [result for result in results if result is not None], failures


def _complete(result: Result) -> Result:
    """The result, unless somebody stopped its painting."""
    if not result.finished:
        raise KeyboardInterrupt("stopped; the same command goes on with what is missing")
    return result


def _stylize_all(
    jobs: Sequence[StylizationSettings], finished: Sequence[Result | None], session: Session
) -> tuple[list[Result], list[str]]:
    """Results, and what went wrong with the pictures that have none."""
    results, failures = list[Result](), list[str]()
    targets: StyleTargets | None = None
    last: tuple[StylizationSettings, Tensor] | None = None
    for number, (job, result) in enumerate(zip(jobs, finished, strict=True), start=1):
        if result is not None:
            picture = Stylized(read_image(job.output), result)
        else:
            session.console.print(f"{number} of {len(jobs)}: {Path(job.content).name}", markup=False)
            try:
                picture, targets = _next(job, session, targets, last)
            except RnstError as error:
                failures.append(str(error))
                session.console.print(f"failed: {error}", markup=False)
                continue
        results.append(_complete(picture.result))
        last = (job, picture.image) if job.sequence else None
    return results, failures


def _next(
    job: StylizationSettings,
    session: Session,
    targets: StyleTargets | None,
    last: tuple[StylizationSettings, Tensor] | None,
) -> tuple[Stylized, StyleTargets]:
    """Paint one picture, in a sequence from the last one.

    Such a frame has one scale: what a coarse one would paint is there already, and would flicker.
    """
    inputs = read_inputs(job)
    check_scores(job, inputs)
    if targets is None or job.colors != "free":
        targets = StyleTargets(job, session.encoder, inputs.regions)
    if last is not None:
        before, image = last
        photo = read_inputs(before).content
        if photo.shape != inputs.content.shape:
            wanted = "frames of one size"
            raise InvalidValueError("--sequence", f"{Path(job.content).name}", wanted)
        inputs = replace(inputs, start=image, previous=(photo, image))
        job = job.replaced(scales=1)
    return paint(job, inputs, session, targets), targets


def _jobs(settings: StylizationSettings) -> list[StylizationSettings]:
    """One picture's settings for each photo of the folder."""
    folder = Path(settings.content)
    photos = sorted(pictures_in(folder), key=_natural)
    ending = settings.output.suffix or ".png"
    output = settings.output.with_suffix("")
    if output.resolve() == folder.resolve():
        raise InvalidValueError("--output", str(settings.output), "another folder than that of the photos")
    stems = [path.stem for path in photos]
    targets = [
        output / f"{path.stem if stems.count(path.stem) == 1 else path.name.replace('.', '_')}{ending}"
        for path in photos
    ]
    check_format(targets[0], settings.size)
    return [settings.replaced(content=str(photo), output=path) for photo, path in zip(photos, targets, strict=True)]


def _finished(job: StylizationSettings) -> Result | None:
    """The result of an earlier run that had the same settings and came to its end."""
    sidecar = job.output.with_suffix(".json")
    if not (sidecar.is_file() and job.output.is_file()):
        return None
    try:
        result = Result.read(sidecar)
    except RnstError:
        return None
    same = {name: value for name, value in describe(job).items() if name not in _OF_THE_RUN}
    recorded = {name: value for name, value in result.settings.items() if name in same}
    return result if result.finished and recorded == same else None


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part.casefold()) for part in re.split(r"(\d+)", path.name)]
