"""The processes that work on one image: how they find each other, and how they wait for each other.

A collective operation of torch.distributed fails after a time-out. A time-out cannot distinguish a lost process from
one that writes to a slow disk, or whose tiles take long. Before each collective, every process therefore announces
itself in a key-value store and waits there for the others as long as they run. The time-out of the collective then
covers the messages alone.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from rnst.errors import RnstError

TIMEOUT = timedelta(seconds=50)  # of one collective, and of a connection
_SHORTEST, _LONGEST = 2e-4, 0.05  # s between two looks into the store; torch logs each of its own waits that times out
_REASON = "reason"


class DeviceLostError(RnstError):
    """Another process of the same run has ended or does not respond."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"another device of this run was lost ({' '.join(reason.split())[:160]})")


@dataclass
class _Group:
    """What this process knows of the others.

    Attributes:
        store: shared by all processes; its server is in the first process, or in the agent of torchrun.
        others_run: whether the other processes are known to run.
        meetings: how often the processes have waited for each other.
    """

    store: Any  # a torch.distributed.Store
    others_run: Callable[[], bool]
    meetings: int = 0
    noticed: Event = field(default_factory=Event)


_groups: list[_Group] = []  # one at most


def rank() -> int:
    """Rank of this process in the run."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world_size() -> int:
    """Number of processes that work on the image."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def join_group(devices: int, device: torch.device, others_run: Callable[[], bool] = lambda: True) -> None:
    """Connect this process with the others of the run; nothing happens if it is connected already.

    Args:
        devices: number of processes, where neither torchrun nor SLURM has set it.
        device: device of this process; it selects the backend.
        others_run: whether the processes that this one must wait for still run. The launchers of several machines end
            all processes when one is lost, so that nothing has to be checked there.

    Raises:
        DeviceLostError: another process ended before it was connected.
    """
    if dist.is_initialized():
        return
    environment = _environment(devices)
    number, count = environment.global_rank(), environment.world_size()
    serves = number == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    address = environment.main_address, environment.main_port
    try:
        server = dist.TCPStore(*address, None, serves, TIMEOUT, wait_for_workers=False)  # type: ignore[attr-defined]
        store = dist.PrefixStore(  # type: ignore[attr-defined] # the stub exports both from another module
            f"rnst/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", server
        )
        _groups[:] = [_Group(store, others_run)]
        wait_for_all(number, count)
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, store=store, rank=number, world_size=count, timeout=TIMEOUT)
    except RuntimeError as error:
        raise lost(str(error)) from error


def leave_group() -> None:
    """Close the connection to the other processes, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
    for group in _groups:
        group.noticed.set()
    _groups.clear()


def wait_for_all(number: int | None = None, count: int | None = None) -> None:
    """Wait until all processes are here: without limit while they run, so that a slow one is not taken for lost.

    Args:
        number: rank of this process; None asks the group.
        count: number of processes; None asks the group.

    Raises:
        DeviceLostError: another process has ended.
    """
    if not _groups:
        return
    group, number, count = _groups[0], rank() if number is None else number, world_size() if count is None else count
    if torch.cuda.is_available() and dist.is_initialized():
        torch.cuda.synchronize()  # what is queued on the device must be done, not only what the host has to do
    group.meetings += 1
    here, all_here = f"here/{group.meetings}", f"all here/{group.meetings}"
    try:
        if group.store.add(here, 1) == count:
            group.store.set(all_here, "")
        pause = _SHORTEST
        while not group.store.check([all_here]):
            if not group.others_run():
                raise lost(_reason(group.store))
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        if number == 0 and group.meetings > 1:  # everybody is here, so nobody reads the keys of the last meeting
            for key in (f"here/{group.meetings - 1}", f"all here/{group.meetings - 1}"):
                group.store.delete_key(key)
    except RuntimeError as error:
        raise lost(str(error)) from error


def gathered(value: Any) -> list[Any]:
    """The value of each process, by rank.

    Args:
        value: of this process, as JSON has it; floats are passed on exactly.

    Raises:
        DeviceLostError: another process has ended.
    """
    if not _groups:
        return [value]
    group = _groups[0]
    keys = [f"value/{group.meetings}/{number}" for number in range(world_size())]
    try:
        group.store.set(keys[rank()], json.dumps(value))
        wait_for_all()
        return [json.loads(group.store.get(key)) for key in keys]
    except RuntimeError as error:
        raise lost(str(error)) from error


def lost(reason: str) -> DeviceLostError:
    """The error to raise; what watches this process then knows that it has noticed the loss."""
    for group in _groups:
        group.noticed.set()
    return DeviceLostError(reason)


def has_noticed(seconds: float) -> bool:
    """Whether this process notices within so many seconds that another one is lost, or leaves the group."""
    return not _groups or _groups[0].noticed.wait(seconds)


def leave_reason(reason: str) -> None:
    """Let the first process know why this one ends."""
    for group in _groups:
        group.store.set(_REASON, reason)


def _reason(store: Any) -> str:
    return store.get(_REASON).decode(errors="replace") if store.check([_REASON]) else "its process has ended"


def _environment(devices: int) -> LightningEnvironment | SLURMEnvironment | TorchElasticEnvironment:
    """Addresses and ranks, from whatever has started the processes."""
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if SLURMEnvironment.detect():
        return SLURMEnvironment(auto_requeue=False)
    environment = LightningEnvironment()
    environment.set_world_size(devices)
    environment.set_global_rank(environment.local_rank())
    return environment
