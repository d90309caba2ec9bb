"""Stylize all pictures of a sweep, score them, pick the best, and write table, plots and page."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rnst.errors import RnstError, UnreadableFileError, counted
from rnst.metrics.scores import SCORES
from rnst.optimization.workers import in_processes
from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.claims import claim
from rnst.stylization.inputs import content_size
from rnst.stylization.job import Job
from rnst.stylization.parallel import stylize_alone
from rnst.stylization.record import check_scored_size, finished
from rnst.stylization.resuming import with_state
from rnst.sweeps.picking import PICKED, grouped, marked
from rnst.sweeps.plan import SweepSettings


@dataclass(frozen=True)
class SweepRun:
    """One picture of a sweep.

    Attributes:
        job: of the picture.
        arm: label under which it is compared.
    """

    job: Job
    arm: str

    @property
    def name(self) -> str:
        """Of its folder, for photo and painting, and its settings."""
        return f"{self.job.records.output.parent.name}/{self.job.records.output.stem}"

    def labeled(self, result: Result) -> Result:
        """The same result under the name of its arm."""
        return replace(result, encoder=self.arm)


def run_sweep(sweep: SweepSettings, runs: Sequence[SweepRun], console: Console) -> tuple[list[Result], list[str]]:
    """Make the pictures that are not finished yet.

    A stopped sweep resumes: pictures that exist, finished with the same settings and scored, are not made again.

    Args:
        sweep: its `workers` is the number of pictures made at the same time.
        runs: the pictures of the plan.
        console: where progress is shown.

    Returns:
        The results in the order of the runs, the best of them marked; and a line for each picture that failed.

    Raises:
        KeyboardInterrupt: the user stopped the sweep; finished pictures are kept.
        RnstError: a picture is impossible, which is found before the first one is made, or all of them failed.
    """
    results = {index: finished_run(run) for index, run in enumerate(runs)}
    missing = [index for index, result in results.items() if result is None]
    console.print(f"{len(runs)} pictures, {len(runs) - len(missing)} of them there already")
    for index in missing:
        _check(runs[index])
    work, failures = [with_state(runs[index].job) for index in missing], list[str]()
    claim(work)
    with progress_bar(console) as progress:
        bar = progress.add_task("sweep", total=len(runs), completed=len(runs) - len(missing))
        for index, outcome in in_processes(stylize_alone, work, sweep.workers):
            progress.advance(bar)
            if isinstance(outcome, Result):
                results[missing[index]] = runs[missing[index]].labeled(outcome)
                if not outcome.finished:
                    raise Stopped("stopped; the same command goes on with what is missing")
            else:
                failures.append(f"{runs[missing[index]].name}: {outcome}")
                console.print(f"failed: {failures[-1]}", markup=False)
    found = [result for result in results.values() if result is not None]
    if not found:
        raise SweepError(failures)
    _unmark_earlier_picks(sweep.output, found)
    return _with_picks(found), failures


def _check(run: SweepRun) -> None:
    """Refuse a picture that could not be scored."""
    try:
        check_scored_size(run.job, content_size(run.job.pictures))
    except RnstError as error:
        raise RnstError(f"{run.name}: {error}") from error


def finished_run(run: SweepRun) -> Result | None:
    """The result of an earlier sweep, if it finished this very picture, with all scores that are compared."""
    result = finished(run.job)
    return run.labeled(result) if result is not None and result.scores.keys() >= set(SCORES) else None


class SweepError(RnstError):
    """Some pictures of a sweep failed."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__(f"{counted(len(failures), 'picture')} failed, the first: {failures[0]}. Others are kept.")


def _with_picks(results: Sequence[Result]) -> list[Result]:
    """Mark the best of each group, also in the sidecars."""
    chosen = marked(results)
    for before, after in zip(results, chosen, strict=True):
        if before.scores != after.scores:
            after.write()
    return chosen


def _unmark_earlier_picks(folder: Path, results: Sequence[Result]) -> None:
    """Take the mark from pictures of an earlier grid in the groups that are picked anew."""
    groups, images = grouped(results).keys(), {result.image for result in results}
    for sidecar in sorted(folder.rglob("*.json")):
        with suppress(UnreadableFileError):
            earlier = Result.read(sidecar)
            stays = earlier.image in images or (earlier.content, earlier.styles, earlier.encoder) not in groups
            if earlier.scores.get(PICKED) and not stays:
                replace(earlier, scores={**earlier.scores, PICKED: 0.0}).write()


def progress_bar(console: Console) -> Progress:
    """A bar with the number of pictures and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console)
