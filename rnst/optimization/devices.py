"""One image on several devices: a process for each device, and the Lightning strategy that synchronizes them."""

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

# A process that ends closes its connections. On CPUs the other processes detect this at once; on GPUs only the timeout
# detects it. The timeout on CPUs is longer, because a slow process is not a lost one.
_TIMEOUT_GPU = timedelta(seconds=50)
_TIMEOUT_CPU = timedelta(minutes=10)
_JOIN_SECONDS = 5.0
# Each is 0 in the first process, whichever launcher started the processes; torchrun and SLURM count over all machines.
_RANKS = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")


class SharedPicture(DDPStrategy):
    """Every process holds the whole image and makes the same updates; `TiledObjective` distributes the tiles.

    Lightning's DDP wrapper would average gradients of separate losses. Here all processes share one loss, and
    `TiledObjective` already sums its gradient. The strategy therefore only makes all processes start from the same
    image and use the gradient of the first.
    """

    def __init__(self) -> None:
        super().__init__(timeout=_TIMEOUT_GPU if torch.cuda.is_available() else _TIMEOUT_CPU)

    def configure_ddp(self) -> None:
        """Start from the first process's image, and use its gradients."""
        if self.lightning_module is not None:
            follow_first(parameter for parameter in self.lightning_module.parameters() if parameter.requires_grad)


def is_first() -> bool:
    """Whether this process is the one that logs and writes files."""
    return all(int(os.environ.get(name, "0")) == 0 for name in _RANKS)


@contextlib.contextmanager
def companions(work: Callable[[], object], devices: int) -> Iterator[None]:
    """Start the other processes of a run, each of which calls `work`; end them with the block.

    Lightning's launcher kills the first process when another one dies, and the image is lost. Here the first process
    gets a `DeviceLostError` instead. If torchrun or a batch system for several machines has started the processes, no
    process is started.

    Args:
        work: function that the other processes call; it must be picklable.
        devices: number of devices of this machine, including that of this process.
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
    """Call `work` in a new process. The process ignores Ctrl-C: the first process handles it and ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    torch.set_num_threads(threads)
    for name in ("pytorch_lightning", "lightning_fabric", "rnst"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        work()
    except RnstError:  # the first process raises the same error, or detects that this process is gone, and reports it
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
