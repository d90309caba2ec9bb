"""The processes of one run, forked from this one: an import of torch takes longer than what they do.

The process that forks must never have been in a group itself. A store of torch.distributed holds threads, which a fork
does not copy; a child that collects such a store as garbage waits for its threads, and aborts or hangs.
"""

import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any


def apart(work: Callable[[], object]) -> Any:
    """What `work` returns in a forked process, so that nothing of a run stays in this one."""
    return _received(*_forked(work))


def on_ranks(work: Callable[[int], object], ranks: int) -> list[Any]:
    """What `work` of each rank returns, with the environment that Lightning's launcher sets."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

    def run(rank: int) -> object:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), LOCAL_RANK=str(rank), NODE_RANK="0")
        return work(rank)

    started = [_forked(lambda rank=rank: run(rank)) for rank in range(ranks)]  # type: ignore[misc]
    return [_received(*one) for one in started]


def _forked(work: Callable[[], object]) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(work()))
    process.start()
    sender.close()  # only the child holds it now: its death ends the wait
    return process, receiver


def _received(process: BaseProcess, receiver: Connection) -> Any:
    """What the process sent.

    Raises:
        EOFError: it died before.
    """
    found = receiver.recv()
    process.join()
    return found
