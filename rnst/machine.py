"""What this machine is: processors, devices, memory of a process. It is asked here, and nowhere else.

torch is imported by the functions that need it, so that settings and commands may ask without loading it.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_STATUS = Path("/proc/self/status")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_KIBIBYTE = 1024


def processors() -> int:
    """Processors that this process may use; in a container or under `taskset` fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def device(accelerator: str = "auto") -> "torch.device":
    """The device that single-device work runs on.

    Args:
        accelerator: "cpu" asks for the CPU; anything else takes the first CUDA device where there is one.
    """
    import torch

    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def visible_devices() -> list[str]:
    """Names of the CUDA devices that this process may use, as `CUDA_VISIBLE_DEVICES` takes them: numbers, UUIDs, MIG.

    A job scheduler gives a process some of the devices of a machine by that variable: its names are kept.
    """
    import torch

    count = torch.cuda.device_count()
    inherited = [name.strip() for name in os.environ.get(_VISIBLE, "").split(",") if name.strip()]
    return inherited[:count] if inherited else [str(number) for number in range(count)]


def take_share(seat: int, workers: int) -> None:
    """Give this process its share: one device where there are several, and some of the processors.

    Args:
        seat: number of this process, from 0.
        workers: processes that share the machine.
    """
    import torch

    names = visible_devices()
    if names:
        os.environ[_VISIBLE] = names[seat % len(names)]
    torch.set_num_threads(max(1, processors() // workers))


def peak_bytes() -> int:
    """The most memory that this process has held so far, in bytes: of the CUDA device where there is one."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resident_peak_bytes()


def resident_peak_bytes() -> int:
    """The most main memory that this process has held so far, in bytes; 0 on Windows, which does not report it."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else _KIBIBYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def umask() -> int:
    """Permissions that new files do not get."""
    if _STATUS.is_file():
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        found = next((line.split()[1] for line in lines if line.startswith("Umask:")), None)
        if found is not None:
            return int(found, 8)
    mask = os.umask(0o077)  # for a moment, as there is no other way to ask; nothing is opened to others meanwhile
    os.umask(mask)
    return mask
