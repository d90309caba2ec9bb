"""Paint a photo in the style of a painting: read, load, paint coarse to fine, write."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from torch import Tensor

from rnst.encoders.catalog import content_layers, style_layers
from rnst.encoders.names import find_network
from rnst.errors import InvalidValueError, RnstError
from rnst.image.files import write_image
from rnst.optimization.devices import companions, is_first
from rnst.optimization.ranks import DeviceLostError
from rnst.reporting.tracking import PictureTracker
from rnst.results import Result
from rnst.stylization.estimate import estimate, summary
from rnst.stylization.inputs import Inputs, optimized_size, picture_size, read_inputs
from rnst.stylization.output_names import named_by
from rnst.stylization.progress import OnStep, StepReports, StylizationProgress
from rnst.stylization.record import check_scores, describe, hash_of, names, result_of, scores_of, title
from rnst.stylization.scale_runner import NoFiniteLossError, ScaleOutcome, ScaleRunner, usual_decay
from rnst.stylization.scales import plan_scales
from rnst.stylization.session import Session, open_session
from rnst.stylization.settings import NO_CONTENT, StylizationSettings
from rnst.stylization.snapshots import Snapshots
from rnst.stylization.state import State, StateKeeper
from rnst.stylization.targets import StyleTargets, usual_style_loss, usual_weights
from rnst.stylization.tiling import check_tiling

# Settings that a picture may have changed when it goes on after a stop.
_FREE_TO_CHANGE = ("resume", "save_every", "quality", "scores", "tracking", "group")


class StoppedError(RnstError):
    """A picture was not finished, and is kept as far as it was."""

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


def stylize(
    settings: StylizationSettings | None = None,
    *,
    console: Console | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> Stylized:
    """Paint one picture; write it and its sidecar.

    Ctrl-C ends the painting early and keeps the best picture so far.

    Args:
        settings: everything there is to choose; none means the defaults.
        console: where progress is shown; none means standard error.
        on_step: called after each step with its number, the picture (1, 3, H, W) in [0, 1] and the losses by name.
        options: fields of StylizationSettings; they outrank `settings`.

    Raises:
        RnstError: a child of it for every mistake in the input, before any work is done.
        TypeError: an option that StylizationSettings does not have.
    """
    settings = with_layers((settings or StylizationSettings()).replaced(**options))
    settings = settings.replaced(output=named_by(settings.output, settings.as_dict()))
    if settings.has_folder:
        raise InvalidValueError("--content", settings.content, "one picture; stylize_folder paints those of a folder")
    if settings.sequence:
        raise InvalidValueError("--sequence", settings.sequence, "false unless --content is a folder of frames")
    inputs = read_inputs(settings)
    check_scores(settings, inputs)
    return paint(settings, inputs, open_session(settings, console, on_step))


def paint(
    settings: StylizationSettings, inputs: Inputs, session: Session, targets: StyleTargets | None = None
) -> Stylized:
    """Paint one picture from what has been read and loaded; write it and its sidecar.

    Args:
        settings: layers are named.
        inputs: of those settings.
        session: of those settings.
        targets: of the styles, where they have been measured for another picture.
    """
    check_tiling(settings, session.encoder, optimized_size(settings, inputs.size))
    settings.output.parent.mkdir(parents=True, exist_ok=True)  # a folder that cannot be had is told before the work
    described = describe(settings)
    if inputs.color_root is not None:
        described["color_matrix"] = inputs.color_root.tolist()
    content, styles = names(settings)
    began = time.perf_counter()
    if not is_first():  # somebody else has started several processes: one of them writes
        settings = _silent(settings)
    tracker = PictureTracker(
        settings.tracking,
        settings.output.parent,
        group=settings.group or title(settings),
        tags=[settings.encoder, *filter(None, (content, *styles))],
        config={**described, "weights_facts": session.facts, "weights_sha256": hash_of(settings)},
    )
    for note in inputs.notes:
        session.console.print(note, markup=False)
    with companions(partial(_share, settings, inputs), settings.devices):
        painted = _paint(settings, inputs, session, targets, tracker, described)
    seconds = time.perf_counter() - began
    result = result_of(settings, painted, seconds, scores_of(settings, inputs, painted), described)
    if is_first():
        write_image(painted.image, settings.output, result.settings, quality=settings.quality, like=inputs.photo)
        result.write()
    tracker.finish(painted.image, painted.losses, result.scores)
    if painted.failure is not None:
        raise StoppedError(settings.output, painted.failure)
    return Stylized(painted.image, result)


def _share(settings: StylizationSettings, inputs: Inputs) -> None:
    """What another device does for a picture: the same, without a word to anybody."""
    tracker = PictureTracker("off", settings.output.parent, group="", tags=[], config={})
    _paint(_silent(settings), inputs, open_session(settings), None, tracker, describe(settings))


def _silent(settings: StylizationSettings) -> StylizationSettings:
    """The same picture without records of it."""
    return settings.replaced(tracking="off", save_every=0, scores=False, lpips=False)


def with_layers(settings: StylizationSettings) -> StylizationSettings:
    """The encoder's default layers where none are named, none without content; what is usual for the rest."""
    network = find_network(settings.encoder)
    without_content = settings.content == NO_CONTENT or settings.content_weight == 0
    return settings.replaced(
        style_layers=settings.style_layers or list(style_layers(network)),
        content_layers=[] if without_content else settings.content_layers or list(content_layers(network)),
        **({"content_layer_weights": None} if without_content else {}),
        style_loss=usual_style_loss(settings),
        fourier_decay=usual_decay(settings),
        **usual_weights(settings),
    )


def _paint(
    settings: StylizationSettings,
    inputs: Inputs,
    session: Session,
    targets: StyleTargets | None,
    tracker: PictureTracker,
    described: dict[str, object],
) -> ScaleOutcome:
    """Coarse to fine, each scale from the picture of the last."""
    delivered = picture_size(settings, inputs.size)
    settings = settings.replaced(size=max(optimized_size(settings, inputs.size)), side="long")
    runner = ScaleRunner(settings, session.encoder, inputs, targets)
    plan = plan_scales(inputs.size, settings)
    keeper, state = _keeper(settings, described)
    first = 0
    if state is not None:
        first, start = state.scale, state.content["best_image"]
        plan[first] = replace(plan[first], done=state.step)
        inputs = replace(inputs, start=start)
    done = plan[first].first_step + plan[first].done
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    expected = estimate(settings, session.encoder, plan[first:], device, runner.tiling)
    session.console.print(summary(settings, delivered, plan[first:], expected, device), markup=False, highlight=False)
    if settings.tile == 0:  # otherwise tiles are cut as the memory has it
        expected.check(delivered)
    finish = partial(inputs.finished, colors=settings.colors, largest=delivered)
    where = (settings.output.parent, settings.output.stem)
    snapshots = Snapshots(*where, settings.save_every, finish=finish, like=inputs.photo, show=tracker.show)
    with StylizationProgress(sum(scale.steps for scale in plan), session.console, done) as progress, keeper.listening():
        watchers: list[Callback] = [progress, snapshots]
        if session.on_step is not None:
            watchers.append(StepReports(session.on_step, finish))
        watchers.append(keeper)
        keeper.scale = first
        painted = runner.paint(plan[first], inputs.start, watchers, tracker.loggers)
        try:
            for keeper.scale in range(first + 1, len(plan)):
                if painted.finished:
                    next_size = runner.paint(plan[keeper.scale], painted.image, watchers, tracker.loggers)
                    painted = replace(next_size, first_losses=painted.first_losses)
        except (KeyboardInterrupt, NoFiniteLossError, DeviceLostError) as stop:
            # Before this scale had a picture: that of the last one is kept.
            painted = replace(painted, finished=False, failure=stop if isinstance(stop, DeviceLostError) else None)
    if painted.finished and is_first():
        state_path(settings.output).unlink(missing_ok=True)
    if not painted.finished:
        session.console.print("stopped; keeping the best picture so far. --resume goes on with it")
    return replace(painted, image=finish(painted.image))


def state_path(output: Path) -> Path:
    """The file that a stopped picture leaves beside it."""
    return output.with_suffix(".state.safetensors")


def _keeper(settings: StylizationSettings, described: dict[str, object]) -> tuple[StateKeeper, State | None]:
    """What keeps the state of this picture, and the state to go on from, where there is one and that was asked for."""
    path, state = state_path(settings.output), None
    if settings.resume and path.is_file():
        state = State.read(path)
        state.check(described, _FREE_TO_CHANGE)
    return StateKeeper(path, settings.save_every, described, state), state
