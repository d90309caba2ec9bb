"""Stylize a photo by a painting: read, load, optimize coarse to fine, write."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from torch import Tensor

from rnst.errors import InvalidValueError, RnstError
from rnst.image.files import PilImage, to_pil, write_image
from rnst.optimization.devices import companions, is_first
from rnst.optimization.ranks import DeviceLostError
from rnst.reporting.tracking import PictureTracker
from rnst.results import Result
from rnst.stylization.estimate import estimate, summary
from rnst.stylization.inputs import Inputs, read_inputs
from rnst.stylization.job import Job, names, resolve
from rnst.stylization.output_names import named_by
from rnst.stylization.parts import Records
from rnst.stylization.progress import OnStep, StepReports, StylizationProgress
from rnst.stylization.record import (
    NOT_OF_THE_PICTURE,
    check_scores,
    describe,
    hash_of,
    hashes_of,
    result_of,
    scores_of,
)
from rnst.stylization.scale_runner import NoFiniteLossError, ScaleOutcome, ScaleRunner
from rnst.stylization.session import Session, open_session
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.snapshots import Snapshots
from rnst.stylization.state import State, StateKeeper
from rnst.stylization.targets import StyleTargets
from rnst.stylization.tiling import check_tiling


class StoppedError(RnstError):
    """A picture was not finished; its best state is kept."""

    def __init__(self, output: Path, reason: RnstError) -> None:
        super().__init__(f"{reason}; {output} is the best picture so far")


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
    settings = (settings or StylizationSettings()).replaced(**options)
    if settings.has_folder:
        raise InvalidValueError("--content", settings.content, "one picture; stylize_folder stylizes those of a folder")
    if settings.sequence:
        raise InvalidValueError("--sequence", settings.sequence, "false unless --content is a folder of frames")
    job = resolve(settings)
    output = named_by(settings.output, job.as_dict())
    return stylize_job(replace(job, records=replace(job.records, output=output)), console, on_step)


def stylize_job(job: Job, console: Console | None = None, on_step: OnStep | None = None) -> Stylized:
    """Stylize a resolved job; for arguments, result and errors, see `stylize`."""
    inputs = read_inputs(job.pictures, job.resolution, job.look.style_scale)
    check_scores(job, inputs)
    return stylize_inputs(job.at(inputs.size), inputs, open_session(job, console, on_step))


def stylize_inputs(job: Job, inputs: Inputs, session: Session, targets: StyleTargets | None = None) -> Stylized:
    """Stylize one picture from inputs and a network that have been loaded; write it and its sidecar.

    Args:
        job: with its scales.
        inputs: of that job.
        session: of that job.
        targets: of the styles, where they have been measured for another picture.
    """
    output = job.records.output
    check_tiling(job, session.encoder, job.resolution.optimized(inputs.size))
    output.parent.mkdir(parents=True, exist_ok=True)  # an impossible folder is reported before the work
    described, sources = describe(job), hashes_of(job.pictures)
    if inputs.color_root is not None:
        described["color_matrix"] = inputs.color_root.tolist()
    content, styles = names(job.pictures)
    files = {"weights_sha256": hash_of(job.network), "sources_sha256": sources}
    keeper = _keeper(job.records, {**described, **files})
    if not is_first():  # several processes were started outside: one of them writes
        job = replace(job, records=job.records.silent())
    tracker = PictureTracker(
        job.records.tracking,
        output.parent,
        group=job.records.group,
        tags=[job.network.encoder, *filter(None, (content, *styles))],
        config={**described, "weights_facts": session.facts, "weights_sha256": files["weights_sha256"]},
    )
    for note in inputs.notes:
        session.console.print(note, markup=False)
    with companions(partial(_share, job, inputs), job.limits.devices):
        outcome = _optimize(job, inputs, session, targets, tracker, keeper)
    result = result_of(job, outcome, keeper.seconds, scores_of(job.records, inputs, outcome), described, sources)
    if is_first():
        write_image(outcome.image, output, result.settings, quality=job.records.quality, like=inputs.photo)
        result.write()
    tracker.finish(outcome.image, outcome.losses, result.scores)
    if outcome.failure is not None:
        raise StoppedError(output, outcome.failure)
    return Stylized(outcome.image, result)


def _share(job: Job, inputs: Inputs) -> None:
    """The part of another device in a picture: the same computation, without any output."""
    tracker = PictureTracker("off", job.records.output.parent, group="", tags=[], config={})
    job = replace(job, records=job.records.silent())
    _optimize(job, inputs, open_session(job), None, tracker, _keeper(job.records, describe(job)))


def _optimize(
    job: Job,
    inputs: Inputs,
    session: Session,
    targets: StyleTargets | None,
    tracker: PictureTracker,
    keeper: StateKeeper,
) -> ScaleOutcome:
    """Coarse to fine, each scale from the picture of the last."""
    records, delivered = job.records, job.resolution.delivered(inputs.size)
    runner, plan = ScaleRunner(job, session.encoder, inputs, targets), list(job.scales)
    state, first, start = keeper.state, keeper.scale, inputs.start
    if state is not None:
        plan[first] = replace(plan[first], done=state.step)
        start = inputs.start if state.best_image is None else state.best_image
    done = plan[first].first_step + plan[first].done
    device = torch.device(job.limits.device)
    expected = estimate(job, session.encoder, plan[first:], device, runner.tiling)
    session.console.print(summary(job.limits, delivered, plan[first:], expected, device), markup=False, highlight=False)
    if job.limits.tile == 0:  # otherwise the tiles are chosen to fit into the memory
        expected.check(delivered)
    finish = partial(inputs.finished, colors=job.pictures.colors, largest=delivered)
    where = (records.output.parent, records.output.stem)
    snapshots = Snapshots(*where, records.save_every, finish=finish, like=inputs.photo, show=tracker.show)
    with StylizationProgress(sum(scale.steps for scale in plan), session.console, done) as progress, keeper.listening():
        callbacks: list[Callback] = [progress, snapshots]
        if session.on_step is not None:
            callbacks.append(StepReports(session.on_step, finish))
        callbacks.append(keeper)
        content = None if state is None else state.content
        outcome = runner.optimize(plan[first], start, callbacks, tracker.loggers, content)
        try:
            for keeper.scale in range(first + 1, len(plan)):
                if outcome.finished:
                    keeper.first_losses = keeper.first_losses or outcome.first_losses
                    outcome = runner.optimize(plan[keeper.scale], outcome.image, callbacks, tracker.loggers)
        except (KeyboardInterrupt, NoFiniteLossError, DeviceLostError) as stop:
            # Stopped before this scale had a picture: that of the last scale is kept.
            outcome = replace(outcome, finished=False, failure=stop if isinstance(stop, DeviceLostError) else None)
    if outcome.finished and is_first():
        state_path(records.output).unlink(missing_ok=True)
    if not outcome.finished:
        session.console.print("stopped; keeping the best picture so far. --resume continues it")
    first_losses = dict(keeper.first_losses or outcome.first_losses)
    return replace(outcome, image=finish(outcome.image), first_losses=first_losses)


def state_path(output: Path) -> Path:
    """The file with the state of a stopped run, beside its picture."""
    return output.with_suffix(".state.safetensors")


def _keeper(records: Records, described: dict[str, object]) -> StateKeeper:
    """Callback that saves the state of this run, with the state to resume from where --resume finds one."""
    path, state = state_path(records.output), None
    if records.resume and path.is_file():
        state = State.read(path)
        state.check(described, NOT_OF_THE_PICTURE)
    return StateKeeper(path, records.save_every, described, state)
