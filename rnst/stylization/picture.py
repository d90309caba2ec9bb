"""One picture from a resolved job: read, load, optimize coarse to fine, write."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from torch import Tensor

from rnst.errors import MemoryExhaustedError, RnstError
from rnst.image.endings import check_format
from rnst.image.files import PilImage, to_pil
from rnst.machine import begin_peak, trim_heap
from rnst.optimization.devices import companions, is_first
from rnst.optimization.process_group import DeviceLostError
from rnst.reporting.tracking.pictures import Finished, PictureTracker
from rnst.results import Result
from rnst.signals import deferred
from rnst.stylization.claims import claim
from rnst.stylization.delivery import deliver
from rnst.stylization.estimate import estimate, summary
from rnst.stylization.inputs import Inputs, read_inputs
from rnst.stylization.job import Job
from rnst.stylization.meter import RunMeter
from rnst.stylization.progress import OnStep, StepReports, StylizationProgress
from rnst.stylization.record import check_scores, describe, result_of, scores_of
from rnst.stylization.resuming import file_hashes, keeper_of
from rnst.stylization.scale_runner import NoFiniteLossError, ScaleOutcome, ScaleRunner
from rnst.stylization.session import Session, open_session
from rnst.stylization.snapshots import Snapshots, remove_snapshots
from rnst.stylization.state import StateKeeper, remove_state, state_path
from rnst.stylization.state_check import check_place
from rnst.stylization.targets import StyleTargets
from rnst.stylization.tiling import check_tiling
from rnst.stylization.tracked import log_inputs, open_tracker


class StoppedError(RnstError):
    """A picture was not finished; its best state is kept."""

    def __init__(self, output: Path, reason: RnstError, advice: str = "") -> None:
        super().__init__(f"{reason}; {output} is the best picture so far{advice}")


class Stylized(NamedTuple):
    """A finished picture.

    Attributes:
        image: (1, 3, H, W) in [0, 1].
        result: what was made, from what and how; `result.image` is the file.
    """

    image: Tensor
    result: Result

    @property
    def pil(self) -> PilImage:
        """The picture as a PIL image of 8 bits."""
        return to_pil(self.image)


def stylize_job(job: Job, console: Console | None = None, on_step: OnStep | None = None) -> Stylized:
    """Stylize a resolved job; for arguments, result and errors, see `stylize`."""
    claim([job])
    inputs = read_inputs(job.pictures, job.resolution, job.look.style_scale)
    check_scores(job, inputs)
    check_format(job.records.output, max(job.resolution.delivered(inputs.size)), job.records.depth)
    return stylize_inputs(job.at(inputs.size), inputs, open_session(job, console, on_step))


def stylize_inputs(job: Job, inputs: Inputs, session: Session, targets: StyleTargets | None = None) -> Stylized:
    """Stylize one picture from inputs and a network that have been loaded; write it and its sidecar.

    Args:
        job: with its scales.
        inputs: of that job.
        session: of that job.
        targets: of the styles, where they have been measured for another picture.
    """
    trim_heap()
    begin_peak()
    output = job.records.output
    check_tiling(job, session.encoder, job.resolution.optimized(inputs.size))
    output.parent.mkdir(parents=True, exist_ok=True)
    described = describe(job)
    if inputs.color_root is not None:
        described["color_matrix"] = inputs.color_root.tolist()
    files = file_hashes(job)
    keeper = keeper_of(job.records, {**described, **files})
    if not is_first():  # several processes were started outside: one of them writes
        job = replace(job, records=job.records.silent())
    tracker, meter = open_tracker(job, session.facts, files["weights_sha256"]), RunMeter()
    log_inputs(tracker, inputs)
    for note in inputs.notes:
        session.console.print(note, markup=False)
    device = torch.device(job.limits.device)
    with companions(partial(_share, job, inputs), job.limits.devices, device, _advice(output)):
        outcome = _optimize(job, inputs, session, targets, (tracker, meter), keeper)
    with deferred():
        scores = scores_of(job, inputs, outcome)
        result = result_of(job, outcome, keeper.seconds, scores, described, files["sources_sha256"])
        result = replace(result, curves=meter.curves())
        if is_first():
            deliver(outcome.image, result, job.records, inputs.photo)
            if outcome.finished:
                remove_state(output)
    tracker.finish(Finished(outcome.image, meter.step, outcome.losses, result.scores, _costs(result, meter)))
    if outcome.failure is not None:
        raise StoppedError(output, outcome.failure, _advice(output))
    return Stylized(outcome.image, result)


def _share(job: Job, inputs: Inputs) -> None:
    """The part of another device in a picture: the same computation, without any output."""
    job = replace(job, records=job.records.silent())
    watching = (open_tracker(job, {}, ""), RunMeter())
    _optimize(
        job, inputs, open_session(job), None, watching, keeper_of(job.records, {**describe(job), **file_hashes(job)})
    )


def _optimize(
    job: Job,
    inputs: Inputs,
    session: Session,
    targets: StyleTargets | None,
    watching: tuple[PictureTracker, RunMeter],
    keeper: StateKeeper,
) -> ScaleOutcome:
    """Coarse to fine, each scale from the picture of the last."""
    tracker, meter = watching
    records, delivered = job.records, job.resolution.delivered(inputs.size)
    runner, plan = ScaleRunner(job, session.encoder, inputs, targets), list(job.scales)
    state, first, start = keeper.state, keeper.scale, inputs.start
    if state is None and is_first():
        remove_snapshots(records.output)
    if state is not None:
        check_place(first, state.step, [scale.steps for scale in plan])
        plan[first] = replace(plan[first], done=state.step)
        start = inputs.start if state.best_image is None else state.best_image
    done = plan[first].first_step + plan[first].done
    device = torch.device(job.limits.device)
    expected = estimate(job, session.encoder, plan[first:], device, runner.tiling)
    session.console.print(summary(job.limits, delivered, plan[first:], expected, device), markup=False, highlight=False)
    if job.limits.tile == 0:  # otherwise the tiles are chosen to fit into the memory
        expected.check(delivered, job.resolution.size)
    wraps = job.parametrization.wraps
    finish = partial(inputs.finished, colors=job.pictures.colors, largest=delivered, wraps=wraps)
    where = (records.output.parent, records.output.stem)
    snapshots = Snapshots(*where, records.save_every, finish=finish, like=inputs.photo, show=tracker.show)
    with StylizationProgress(sum(scale.steps for scale in plan), session.console, done) as progress, keeper.listening():
        callbacks: list[Callback] = [progress, meter, snapshots]
        if session.on_step is not None:
            callbacks.append(StepReports(session.on_step, finish, keeper.stop))
        callbacks.append(keeper)
        content = None if state is None else state.content
        outcome = runner.optimize(plan[first], start, callbacks, tracker.loggers, content)
        try:
            for keeper.scale in range(first + 1, len(plan)):
                if outcome.finished:
                    keeper.first_losses = keeper.first_losses or outcome.first_losses
                    outcome = runner.optimize(plan[keeper.scale], outcome.image, callbacks, tracker.loggers)
        except (KeyboardInterrupt, NoFiniteLossError, DeviceLostError, MemoryExhaustedError) as stop:
            # Stopped before this scale had a picture: that of the last scale is kept.
            failure = stop if isinstance(stop, DeviceLostError | MemoryExhaustedError) else None
            outcome = replace(outcome, finished=False, failure=failure)
    if not outcome.finished:
        resumable = "--resume continues it" if keeper.can_resume else "no state could be kept to resume from"
        session.console.print(f"stopped; keeping the best picture so far. {resumable}")
    first_losses = dict(keeper.first_losses or outcome.first_losses)
    return replace(outcome, image=finish(outcome.image), first_losses=first_losses)


def _costs(result: Result, meter: RunMeter) -> dict[str, float]:
    """What the picture took, for a tracker."""
    return {
        "perf/seconds": result.seconds,
        "perf/peak_memory_bytes": float(result.peak_memory_bytes),
        "optim/evaluations": float(meter.evaluations),
    }


def _advice(output: Path) -> str:
    """How a picture of which another device was lost can be finished."""
    return f"; the same command with --resume continues from {state_path(output)}, if it was written (--save_every)"
