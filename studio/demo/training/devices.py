"""Where training computes: one process on a GPU if there is one, else two processes of one thread each.

Where cores are shared, two processes with one thread each waste less than one process with two threads:
no thread waits at a barrier for another one.
"""

import os
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, distributed, multiprocessing

CPU_PROCESSES = 2

Arguments = TypeVar("Arguments")


def device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def processes() -> int:
    """How many processes share the work now."""
    return int(distributed.get_world_size()) if distributed.is_initialized() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return int(distributed.get_rank()) if distributed.is_initialized() else 0


def launch(work: Callable[[Arguments], None], arguments: Arguments, port: int = 29511) -> None:
    """Call `work(arguments)` in one process on a GPU, else in two that talk on `port`."""
    if device().type == "cuda":
        work(arguments)
    else:
        multiprocessing.spawn(_enter, (work, arguments, port), nprocs=CPU_PROCESSES)


def first_says(value: float) -> float:
    """The `value` of the first process, in all of them."""
    if processes() == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    distributed.broadcast(shared, 0)
    return float(shared.item())


def summed(parts: list[Tensor]) -> list[Tensor]:
    """Each of `parts` added up over the processes, sent as bfloat16 in one message."""
    if processes() == 1:
        return parts
    message = torch.cat([part.reshape(-1) for part in parts]).bfloat16()
    distributed.all_reduce(message)
    sums = message.float().split([part.numel() for part in parts])
    return [flat.view_as(part) for part, flat in zip(parts, sums, strict=True)]


def _enter(index: int, work: Callable[[Arguments], None], arguments: Arguments, port: int) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=index, world_size=CPU_PROCESSES)
    try:
        work(arguments)
    finally:
        distributed.destroy_process_group()
