"""Parallel jobs: several processes take jobs from one list, each with its share of the machine."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.queues import Queue
from threading import Thread
from typing import TypeVar

from rnst.machine import take_share

_Job = TypeVar("_Job")
_Outcome = TypeVar("_Outcome")


def in_processes(
    work: Callable[[_Job], _Outcome], jobs: Sequence[_Job], workers: int
) -> Iterator[tuple[int, _Outcome]]:
    """Outcomes in the order of completion, each with the index of its job.

    Args:
        work: function of a job; function and jobs must be picklable.
        jobs: inputs of `work`.
        workers: number of processes, of which no more start than there are jobs; 1 runs all jobs in this process.

    Raises:
        Exception: any exception of `work`; jobs that have not started are then cancelled.
    """
    workers = min(workers, len(jobs))
    if workers <= 1:
        for index, job in enumerate(jobs):
            yield index, work(job)
        return
    context = get_context("spawn")
    seats: Queue[int] = context.Queue()
    for seat in range(workers):
        seats.put(seat)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_take_seat, initargs=(seats, workers)) as pool:
        futures = {pool.submit(work, job): index for index, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException as stop:
            pool.shutdown(wait=False, cancel_futures=True)
            if getattr(stop, "number", signal.SIGINT) != signal.SIGINT:
                _stop_workers()  # a terminal sends Ctrl-C to all processes, but nothing else
            raise


def _stop_workers() -> None:
    """Let the workers stop as this process does, so that they keep what they have."""
    for worker in active_children():
        worker.terminate()


def _take_seat(seats: "Queue[int]", workers: int) -> None:
    """Assign a worker its share of the machine: a GPU where there are any, and a share of the CPU threads."""
    take_share(seats.get(), workers)
    end_with_parent()


def end_with_parent() -> None:
    """From now on, this process ends when the process that started it ends, for example because it was killed."""
    Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
