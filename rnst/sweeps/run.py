"""Stylize all pictures of a sweep, score them, pick the best, and write table, plots and page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rnst.errors import RnstError
from rnst.metrics.scores import SCORES
from rnst.optimization.workers import in_processes
from rnst.results import Result
from rnst.signals import Stopped
from rnst.stylization.claims import claim
from rnst.stylization.job import Job
from rnst.stylization.parallel import stylize_alone
from rnst.stylization.record import finished
from rnst.stylization.resuming import with_state
from rnst.sweeps.picking import marked
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

    def labeled(self, result: Result) -> Result:
        """The same result under the name of its arm."""
        return replace(result, encoder=self.arm)


def run_sweep(sweep: SweepSettings, runs: Sequence[SweepRun], console: Console) -> list[Result]:
    """Make the pictures that are not finished yet.

    A stopped sweep resumes: pictures that exist, finished with the same settings and scored, are not made again.

    Args:
        sweep: its `workers` is the number of pictures made at the same time.
        runs: the pictures of the plan.
        console: where progress is shown.

    Returns:
        One result for each run, in the order of the runs; the best are marked.

    Raises:
        KeyboardInterrupt: the user stopped the sweep; finished pictures are kept.
        RnstError: pictures failed; the others are finished and kept.
    """
    results = {index: finished_run(run) for index, run in enumerate(runs)}
    missing = [index for index, result in results.items() if result is None]
    console.print(f"{len(runs)} pictures, {len(runs) - len(missing)} of them there already")
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
                failures.append(f"{runs[missing[index]].job.records.output.stem}: {outcome}")
                console.print(f"failed: {failures[-1]}", markup=False)
    if failures:
        raise SweepError(failures)
    return _with_picks([result for result in results.values() if result is not None])


def finished_run(run: SweepRun) -> Result | None:
    """The result of an earlier sweep, if it finished this very picture, with all scores that are compared."""
    result = finished(run.job)
    return run.labeled(result) if result is not None and result.scores.keys() >= set(SCORES) else None


class SweepError(RnstError):
    """Some pictures of a sweep failed."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__(f"{len(failures)} pictures failed, the first: {failures[0]}. The others are kept.")


def _with_picks(results: Sequence[Result]) -> list[Result]:
    """Mark the best of each group, also in the sidecars."""
    chosen = marked(results)
    for before, after in zip(results, chosen, strict=True):
        if before.scores != after.scores:
            after.write()
    return chosen


def progress_bar(console: Console) -> Progress:
    """A bar with the number of pictures and the time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console)
