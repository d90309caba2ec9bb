"""One image on several devices: a process for each device, and the Lightning strategy that synchronizes them."""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait as wait_for_any
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any

import torch
from pytorch_lightning.strategies import DDPStrategy

from rnst import machine
from rnst.errors import RnstError
from rnst.optimization.process_group import (
    TIMEOUT,
    DeviceLostError,
    has_noticed,
    join_group,
    leave_group,
    leave_reason,
)
from rnst.optimization.ranks import follow_first, together
from rnst.optimization.workers import end_with_parent

_START = "spawn"  # a fork would inherit the threads of torch and of a tracker
_JOIN_SECONDS = 5.0
_NOTICE_SECONDS = 30.0
# Each is 0 in the first process, whichever launcher started the processes; torchrun and SLURM count over all machines.
_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")


class SharedPicture(DDPStrategy):
    """Every process holds the whole image and makes the same updates; `TiledObjective` distributes the tiles.

    Lightning's DDP wrapper would average gradients of separate losses. Here all processes share one loss, and
    `TiledObjective` already sums its gradient. The strategy therefore only makes all processes start from the same
    image and use the gradient of the first, and wait for each other before Lightning's own collectives.
    """

    def __init__(self) -> None:
        super().__init__(timeout=TIMEOUT)

    def configure_ddp(self) -> None:
        """Start from the first process's image, and use its gradients."""
        if self.lightning_module is not None:
            follow_first(parameter for parameter in self.lightning_module.parameters() if parameter.requires_grad)

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """As Lightning's, however late another process comes."""
        with together():
            super().barrier(*args, **kwargs)

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        """As Lightning's, however late another process comes."""
        with together():
            return super().broadcast(obj, src)

    def reduce(self, tensor: Any, group: Any = None, reduce_op: Any = "mean") -> Any:
        """As Lightning's, however late another process comes."""
        with together():
            return super().reduce(tensor, group, reduce_op)


def is_first() -> bool:
    """Whether this process is the one that logs and writes files."""
    return all(int(os.environ.get(name, "0")) == 0 for name in _RANKS)


@contextlib.contextmanager
def companions(work: Callable[[], object], devices: int, device: torch.device, advice: str = "") -> Iterator[None]:
    """Start the other processes of a run, each of which calls `work`; end them with the block.

    Why not Lightning's launchers: the one for scripts starts the command line again, which a notebook or a call of
    `rnst.stylize` does not have, and kills the first process when another one dies, with the image of lowest loss in
    it; those for notebooks hand no exception and no image of a stopped run back. Here the first process notices a dead
    one and keeps its image. Lightning still connects strategy, precision and loops. If torchrun or a batch system has
    started the processes, none is started.

    Args:
        work: function that the other processes call; it must be picklable.
        devices: number of devices of this machine, including that of this process.
        device: kind of device of the run.
        advice: printed if this process hangs in an operation of a GPU that waits for a lost one, and has to be ended.

    Raises:
        DeviceLostError: another process ended before the block began.
    """
    if devices == 1:
        yield
        return
    if "LOCAL_RANK" in os.environ or "SLURM_LOCALID" in os.environ:
        join_group(devices, device)
        yield
        return
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "NODE_RANK": "0"}
    context: Any = multiprocessing.get_context(_START)
    threads = torch.get_num_threads()
    share = max(1, threads // devices)
    seats = [({**place, "LOCAL_RANK": str(number)}, share, devices, device) for number in range(1, devices)]
    others = [context.Process(target=_companion, args=(work, *seat), daemon=True) for seat in seats]
    before = dict(os.environ)
    for other in others:
        other.start()
    os.environ.update({**place, "LOCAL_RANK": "0"})
    torch.set_num_threads(share)
    try:
        machine.take_device()
        join_group(devices, device, lambda: all(other.exitcode is None for other in others))
        Thread(target=_watch, args=([other.sentinel for other in others], advice), daemon=True).start()
        yield
    finally:
        leave_group()
        _end(others)
        torch.set_num_threads(threads)
        for name in {*os.environ} - {*before}:
            del os.environ[name]
        os.environ.update(before)


def _watch(sentinels: Sequence[Any], advice: str) -> None:
    """End this process if it does not notice that another one has ended: on GPUs, a collective then never returns.

    NCCL would end it too, later and with a page of its own messages. What is on the disk remains.
    """
    wait_for_any(sentinels)
    if not has_noticed(_NOTICE_SECONDS):
        sys.stderr.write(f"error: {DeviceLostError('its process has ended')}{advice}\n")
        sys.stderr.flush()
        os._exit(2)


def _companion(
    work: Callable[[], object], environment: dict[str, str], threads: int, devices: int, device: torch.device
) -> None:
    """Call `work` in a new process. The process ignores Ctrl-C: the first process handles it and ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    os.environ.update(environment)
    torch.set_num_threads(threads)
    machine.take_device()
    for name in ("pytorch_lightning", "lightning_fabric", "rnst"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        join_group(devices, device)
        work()
    except DeviceLostError:  # the first process notices that by itself, and ends this one
        sys.exit(2)
    except RnstError as error:  # the first process raises the same error, or reports that this process is gone and why
        leave_reason(str(error))
        sys.exit(2)


def _end(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.join(_JOIN_SECONDS)
        if process.is_alive():  # it waits for a message that never comes, so only a kill ends it
            process.kill()
            process.join()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def spread_whole_pictures(pictures: int, devices: int, *, fits_one_device: bool) -> bool:
    """Whether each device stylizes pictures of its own, instead of sharing every picture.

    Whole pictures need no tiles, no second forward pass and no communication: this is the fastest choice for at least
    as many pictures as devices. With fewer pictures, some devices would be idle. A picture too large for the memory of
    one device must be shared.

    Args:
        pictures: number of pictures to stylize.
        devices: number of devices.
        fits_one_device: whether a picture fits into the memory of one device, with or without tiles.
    """
    return fits_one_device and pictures >= devices
