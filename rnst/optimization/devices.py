"""One picture on several devices: a process for each, and the strategy by which Lightning lets them work together."""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from multiprocessing.process import BaseProcess

import torch
from pytorch_lightning.strategies import DDPStrategy

from rnst.errors import RnstError
from rnst.optimization.ranks import follow_first, leave_group

# A process that ends breaks its connections, which the others notice at once on CPUs. GPUs notice only that nothing
# comes: within this time. Processes on CPUs get longer, because a slow one is not a dead one.
_PATIENCE_GPU = timedelta(seconds=50)
_PATIENCE_CPU = timedelta(minutes=10)
_FAREWELL_SECONDS = 5.0
# Each is 0 in the first process, whoever has started the processes; torchrun and SLURM count over all machines.
_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")


class SharedPicture(DDPStrategy):
    """Every process holds the whole picture and moves it alike; `TiledObjective` shares out the work.

    Lightning's own wrapper would average the gradients of losses that each process computes for itself. Here the loss
    is one, and its gradient is added up where it arises; so all that is left to do is to begin with the same picture.
    """

    def __init__(self) -> None:
        super().__init__(timeout=_PATIENCE_GPU if torch.cuda.is_available() else _PATIENCE_CPU)

    def configure_ddp(self) -> None:
        """Begin with the first process's picture, and follow its gradients."""
        if self.lightning_module is not None:
            follow_first(parameter for parameter in self.lightning_module.parameters() if parameter.requires_grad)


def is_first() -> bool:
    """Whether this process is the one that talks and writes."""
    return all(int(os.environ.get(name, "0")) == 0 for name in _RANKS)


@contextlib.contextmanager
def companions(work: Callable[[], object], devices: int) -> Iterator[None]:
    """Start the other processes of a run, each of which calls `work`; end them with the block.

    Lightning's own launcher kills the first process when another one dies, and the picture is lost with it; these
    report to nobody, and the first process notices by a `DeviceLostError`. Processes that somebody else has started, as
    torchrun or a batch system for several machines does, are taken as they are.

    Args:
        work: what the others do; it can be sent to a new process.
        devices: of this machine, this process's own among them.
    """
    if devices == 1 or "LOCAL_RANK" in os.environ:
        yield
        return
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "NODE_RANK": "0"}
    context = multiprocessing.get_context("spawn")
    threads = torch.get_num_threads()
    share = max(1, threads // devices)
    others = [
        context.Process(target=_companion, args=(work, {**place, "LOCAL_RANK": str(number)}, share), daemon=True)
        for number in range(1, devices)
    ]
    before = dict(os.environ)
    for other in others:
        other.start()
    os.environ.update({**place, "LOCAL_RANK": "0"})
    torch.set_num_threads(share)
    try:
        yield
    finally:
        leave_group()
        _end(others)
        torch.set_num_threads(threads)
        for name in {*os.environ} - {*before}:
            del os.environ[name]
        os.environ.update(before)


def _companion(work: Callable[[], object], environment: dict[str, str], threads: int) -> None:
    """In a new process. Ctrl-C is for the first one, which ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    torch.set_num_threads(threads)
    for name in ("pytorch_lightning", "lightning_fabric", "rnst"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        work()
    except RnstError:  # the first process meets the same mistake, or notices that this one is gone; it reports
        sys.exit(2)


def _end(processes: Sequence[BaseProcess]) -> None:
    for process in processes:
        process.join(_FAREWELL_SECONDS)
        if process.is_alive():  # it waits for a message that will not come: only this ends it
            process.kill()
            process.join()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def spread_whole_pictures(pictures: int, devices: int, *, fits_one_device: bool) -> bool:
    """Whether several devices take a picture each, instead of sharing every picture.

    Whole pictures need no tiles, no second look and no messages: with as many pictures as devices nothing is faster.
    With fewer, some devices would stand idle. A picture too large for one device's memory can only be shared.

    Args:
        pictures: how many are to be painted.
        devices: how many there are.
        fits_one_device: whether a picture fits into the memory of one, cut into tiles or not.
    """
    return fits_one_device and pictures >= devices
