"""Paint every cell of a sweep, score the pictures, pick the best, and write table, plots and page."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context, parent_process
from multiprocessing.queues import Queue
from threading import Thread

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rnst.errors import RnstError
from rnst.experiments.picking import marked
from rnst.experiments.stylization import stylize
from rnst.experiments.sweep_plan import Cell, SweepSettings
from rnst.results import Result


def run_cells(sweep: SweepSettings, cells: Sequence[Cell], console: Console) -> list[Result]:
    """Paint what is not finished yet.

    A sweep that was stopped goes on where it was: pictures that are there, painted to the end with the same settings
    and scored, are not painted again.

    Args:
        sweep: says how many pictures are painted at the same time.
        cells: of the plan.
        console: where progress is shown.

    Returns:
        A result for each cell, in the order of the cells; the best are marked.

    Raises:
        KeyboardInterrupt: stopped; what is finished is kept.
        RnstError: pictures could not be painted; the others are finished and kept.
    """
    results = {index: cell.finished() for index, cell in enumerate(cells)}
    missing = [index for index, result in results.items() if result is None]
    console.print(f"{len(cells)} pictures, {len(cells) - len(missing)} of them there already")
    failures: list[str] = []
    with _progress(console) as progress:
        bar = progress.add_task("sweep", total=len(cells), completed=len(cells) - len(missing))
        for index, outcome in _painted([cells[index] for index in missing], sweep.workers):
            progress.advance(bar)
            if isinstance(outcome, Result):
                results[missing[index]] = outcome
                if not outcome.finished:
                    raise KeyboardInterrupt("stopped; the same command goes on with what is missing")
            else:
                failures.append(f"{cells[missing[index]].settings.output.stem}: {outcome}")
                console.print(f"failed: {failures[-1]}", markup=False)
    if failures:
        raise SweepError(failures)
    return _with_picks([result for result in results.values() if result is not None])


class SweepError(RnstError):
    """Some pictures of a sweep could not be painted."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__(f"{len(failures)} pictures failed, the first: {failures[0]}. The others are kept.")


def _painted(cells: Sequence[Cell], workers: int) -> Iterator[tuple[int, Result | RnstError]]:
    """Results in the order in which they are finished, with the number of their cell."""
    if workers == 1:
        for index, cell in enumerate(cells):
            yield index, _paint(cell)
        return
    context = get_context("spawn")
    seats: Queue[int] = context.Queue()
    for seat in range(workers):
        seats.put(seat)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_take_seat, initargs=(seats, workers)) as pool:
        futures: dict[Future[Result | RnstError], int] = {pool.submit(_paint, cell): i for i, cell in enumerate(cells)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _paint(cell: Cell) -> Result | RnstError:
    """One picture with its scores; an error is handed back, so that it does not end the others."""
    cell.settings.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        return stylize(cell.settings, console=Console(quiet=True)).result
    except RnstError as error:
        return error


def _take_seat(seats: "Queue[int]", workers: int) -> None:
    """Give a worker its share of the machine: a device of its own where there are several, else some threads."""
    seat = seats.get()
    devices = torch.cuda.device_count()
    if devices:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(seat % devices)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A sweep that was killed takes its workers along; what they were painting is painted again."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _with_picks(results: Sequence[Result]) -> list[Result]:
    """Mark the best of each group, on disk as well."""
    chosen = marked(results)
    for before, after in zip(results, chosen, strict=True):
        if before.scores != after.scores:
            after.write()
    return chosen


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console)
