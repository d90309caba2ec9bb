"""Whole pictures on several devices: when they are distributed, and the work of each process."""

import os
from collections.abc import Sequence
from dataclasses import replace

import torch
from rich.console import Console

from rnst.errors import RnstError
from rnst.optimization.devices import spread_whole_pictures
from rnst.optimization.memory import NotEnoughMemoryError, available_bytes
from rnst.results import Result
from rnst.stylization.inputs import read_inputs
from rnst.stylization.job import Job
from rnst.stylization.picture import stylize_job
from rnst.stylization.session import Session
from rnst.stylization.tiling import check_tiling


def are_spread(jobs: Sequence[Job], session: Session) -> bool:
    """Whether each device takes whole pictures; not with a sequence, nor with `on_step`."""
    if (
        not jobs
        or jobs[0].limits.devices == 1
        or jobs[0].pictures.sequence
        or session.on_step is not None
        or "LOCAL_RANK" in os.environ
    ):
        return False
    fit = all(_fits_one(of_one_device(job), session) for job in jobs)
    return spread_whole_pictures(len(jobs), jobs[0].limits.devices, fits_one_device=fit)


def _fits_one(job: Job, session: Session) -> bool:
    try:
        inputs = read_inputs(job.pictures, job.resolution)
        check_tiling(job, session.encoder, job.resolution.optimized(inputs.size))
    except RnstError as error:  # any other error is reported when the picture is made
        return not isinstance(error, NotEnoughMemoryError)
    return True


def of_one_device(job: Job) -> Job:
    """The same picture by one of several processes, which share the memory of a machine without GPUs."""
    memory = job.limits.memory
    if memory is None and not torch.cuda.is_available():
        memory = f"{available_bytes(torch.device('cpu')) / job.limits.devices:.0f}"
    return replace(job, limits=replace(job.limits, devices=1, memory=memory))


def stylize_alone(job: Job) -> Result | RnstError:
    """One picture without output; an error is returned, so that the other pictures continue."""
    try:
        return stylize_job(job, console=Console(quiet=True)).result
    except RnstError as error:
        return error
