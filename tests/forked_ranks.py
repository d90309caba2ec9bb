"""The processes of one run, forked from this one: an import of torch takes longer than what they do."""

import multiprocessing
import os
import socket
from collections.abc import Callable
from typing import Any


def on_ranks(work: Callable[[int], object], ranks: int) -> list[Any]:
    """What `work` of each rank returns, with the environment that Lightning's launcher sets."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

    def run(rank: int) -> None:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), LOCAL_RANK=str(rank), NODE_RANK="0")
        results.put((rank, work(rank)))

    processes = [context.Process(target=run, args=(rank,)) for rank in range(ranks)]
    for process in processes:
        process.start()
    found = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    return [found[rank] for rank in range(ranks)]
