"""What a stopped picture goes on from: its state, if it is one of this very picture."""

from dataclasses import replace
from typing import Any

from rnst.errors import RnstError
from rnst.recorded_paths import names_only
from rnst.stylization.inputs import content_size
from rnst.stylization.job import Job
from rnst.stylization.parts import Records
from rnst.stylization.record import check_resumable, describe, hash_of, hashes_of
from rnst.stylization.state import State, StateKeeper, state_path, stopped_state

_STATE_EVERY = 50  # steps between two states of a picture whose intermediate pictures are not kept


def file_hashes(job: Job) -> dict[str, Any]:
    """What identifies the files that a picture is made from."""
    return {"weights_sha256": hash_of(job.network), "sources_sha256": hashes_of(job.pictures)}


def keeper_of(records: Records, described: dict[str, object]) -> StateKeeper:
    """Callback that saves the state of this run, with the state to resume from where --resume finds one."""
    state, stopped = None, stopped_state(records.output) if records.resume else None
    if stopped is not None:
        state = State.read(stopped)
        check_resumable(described, state.settings)
    described = names_only(described)  # a state that is left behind does not tell where files were
    return StateKeeper(state_path(records.output), records.save_every or _STATE_EVERY, described, state)


def with_state(job: Job) -> Job:
    """The same job, resumed if a run of this very picture was stopped: for pictures that a user does not name.

    Where there is no state, or that of another picture, the job starts at the beginning.
    """
    path = stopped_state(job.records.output)
    if path is None:
        return job
    try:
        job = job.at(content_size(job.pictures))
        check_resumable({**describe(job), **file_hashes(job)}, State.read(path).settings)
    except (RnstError, OSError):
        return job
    return replace(job, records=replace(job.records, resume=True))
