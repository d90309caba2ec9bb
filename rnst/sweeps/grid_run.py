"""The pictures of a contact sheet: one network, and each style measured once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console

from rnst.errors import RnstError
from rnst.image.metadata import read_settings
from rnst.outputs import check_output
from rnst.reporting.web_page import is_page
from rnst.results import Result
from rnst.stylization.claims import claim
from rnst.stylization.inputs import Inputs, read_inputs
from rnst.stylization.job import Job
from rnst.stylization.picture import stylize_inputs
from rnst.stylization.record import check_scores, finished
from rnst.stylization.resuming import with_state
from rnst.stylization.session import Session, open_session
from rnst.stylization.targets import StyleTargets
from rnst.sweeps.grid_plan import Cell, Grid
from rnst.sweeps.run import progress_bar

SHEET = "grid"
"""Marks the settings in the file of a sheet."""


@dataclass(frozen=True)
class Outcome:
    """One cell of a sheet that was run.

    Attributes:
        cell: of the plan.
        result: its picture; None where there is none.
        problem: why there is none.
    """

    cell: Cell
    result: Result | None
    problem: str = ""


@dataclass
class _Shared:
    """What cells have in common, by what it depends on."""

    sessions: dict[str, Session] = field(default_factory=dict)
    inputs: dict[str, Inputs] = field(default_factory=dict)
    targets: dict[str, StyleTargets] = field(default_factory=dict)


def claim_grid(grid: Grid) -> None:
    """Refuse outputs that cannot be written or would replace a file of the user.

    Raises:
        InvalidValueError: names the file.
        RnstError: no cell can be made; the first reason.
    """
    jobs = [cell.job for cell in grid.cells if cell.job is not None]
    if not jobs:
        raise RnstError(f"no picture of the contact sheet can be made: {grid.cells[0].problem}")
    claim(jobs)
    check_output("--output", grid.sheet, {}, lambda path: SHEET in read_settings(path))
    check_output("--output", grid.page, {}, is_page)


def run_grid(grid: Grid, console: Console) -> tuple[list[Outcome], bool]:
    """Make the pictures that are not finished yet.

    Args:
        grid: the plan.
        console: where progress is shown.

    Returns:
        One outcome for each cell, and whether the user stopped before the last.
    """
    outcomes, shared = [_there(cell) for cell in grid.cells], _Shared()
    missing = [
        (index, outcome.cell.job)
        for index, outcome in enumerate(outcomes)
        if outcome.cell.job is not None and outcome.result is None and not outcome.problem
    ]
    console.print(f"{len(outcomes)} pictures, {len(outcomes) - len(missing)} of them there already")
    with progress_bar(console) as progress:
        bar = progress.add_task("contact sheet", total=len(outcomes), completed=len(outcomes) - len(missing))
        for index, job in missing:
            cell = outcomes[index].cell
            try:
                result = _stylized(job, shared)
            except KeyboardInterrupt:
                return outcomes, True
            except RnstError as error:
                outcomes[index] = Outcome(cell, None, str(error))
                console.print(f"failed: {cell.label}: {error}", markup=False)
            else:
                if not result.finished:
                    return outcomes, True
                outcomes[index] = Outcome(cell, result)
            progress.advance(bar)
    return outcomes, False


def failures(outcomes: Sequence[Outcome]) -> list[str]:
    """What went wrong, a line for each picture."""
    return [f"{outcome.cell.label}: {outcome.problem}" for outcome in outcomes if outcome.problem]


def _there(cell: Cell) -> Outcome:
    if cell.job is None:
        return Outcome(cell, None, cell.problem)
    try:
        return Outcome(cell, finished(cell.job))
    except RnstError as error:
        return Outcome(cell, None, str(error))


def _stylized(job: Job, shared: _Shared) -> Result:
    job = with_state(job)
    inputs = _inputs(job, shared)
    check_scores(job, inputs)
    session = _session(job, shared)
    return stylize_inputs(job.at(inputs.size), inputs, session, _targets(job, inputs, session, shared)).result


def _session(job: Job, shared: _Shared) -> Session:
    key = repr((job.network, job.surgery, job.look.layers))
    if key not in shared.sessions:
        shared.sessions.clear()  # one network at a time in memory
        shared.targets.clear()
        shared.sessions[key] = open_session(job, Console(quiet=True))
    return shared.sessions[key]


def _inputs(job: Job, shared: _Shared) -> Inputs:
    key = repr((job.pictures, job.resolution, job.look.style_scale))
    if key not in shared.inputs:
        shared.inputs.clear()
        shared.inputs[key] = read_inputs(job.pictures, job.resolution, job.look.style_scale)
    return shared.inputs[key]


def _targets(job: Job, inputs: Inputs, session: Session, shared: _Shared) -> StyleTargets:
    """Targets of the cell; styles that were measured for another one are not measured again."""
    look = replace(
        job.look,
        style_weight=0.0,
        content_weight=0.0,
        tv_weight=0.0,
        sequence_weight=0.0,
        normalize_gradients=False,
        style_layers=dict.fromkeys(job.look.style_layers, 0.0),
        content_layers={},
    )  # what its styles are compared by, without weights
    pictures = job.pictures
    styles = repr((look, pictures.styles, pictures.content_mask, pictures.style_mask, pictures.colors))
    if styles not in shared.targets:
        shared.targets[styles] = StyleTargets(job.look, session.encoder, inputs.regions, job.limits)
    mix = f"{styles} {pictures.style_weights}"
    if mix not in shared.targets:
        shared.targets[mix] = shared.targets[styles].mixed(inputs.regions)
    return shared.targets[mix]
