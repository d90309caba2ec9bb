"""What this machine is: processors, devices, memory of a process. It is asked here, and nowhere else.

torch is imported by the functions that need it, so that settings and commands may ask without loading it.
"""

import contextlib
import ctypes
import gc
import logging
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rnst.errors import InvalidValueError

if TYPE_CHECKING:
    import torch

_STATUS = Path("/proc/self/status")
_CLEAR, _RESET_PEAK = Path("/proc/self/clear_refs"), "5"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_SEATS = ("LOCAL_RANK", "SLURM_LOCALID")
_KIBIBYTE = 1024
_held: dict[Path, IO[str]] = {}
_FEW_WORKERS, _WORKERS_OF_A_PROCESSOR = 16, 4  # recipes ask for 8, and also run on small machines

_log = logging.getLogger(__name__)
_warned: set[str] = set()
_sharing = [1]  # processes that share this process's device


def processors() -> int:
    """Processors that this process may use; in a container or under `taskset` fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def check_workers(option: str, workers: int, least: int = 0) -> None:
    """Refuse a number of worker processes with which this machine only gets slower; each takes up to a gigabyte.

    Args:
        option: its name for the message.
        workers: processes beside the main one.
        least: 0, or 1 where the main one does none of the work.

    Raises:
        InvalidValueError: it is negative or too large.
    """
    most = max(_FEW_WORKERS, _WORKERS_OF_A_PROCESSOR * processors())
    if not least <= workers <= most:
        raise InvalidValueError(
            option, workers, f"from {least} to {most}, as this machine has {processors()} processors"
        )


def device(accelerator: str = "auto") -> "torch.device":
    """The device that this process works on; of several processes, each has its own.

    Apple's GPUs are not used, because they have no float64, in which statistics are summed.

    Args:
        accelerator: "cpu" asks for the CPU; anything else takes a CUDA device where there is one.
    """
    import torch

    if accelerator == "cpu" or not torch.cuda.is_available():
        if accelerator != "cpu" and torch.backends.mps.is_available():
            _warn_once("Apple's GPU (MPS) is not supported: the CPU computes")
        return torch.device("cpu")
    take_device()
    return torch.device("cuda")


def take_device() -> None:
    """Make the CUDA device of this process's seat the current one, before anything is measured or allocated on another.

    Launchers of several processes on one machine (ours, Lightning's, torchrun, SLURM) number them in the environment.
    """
    import torch

    seat = next((os.environ[name] for name in _SEATS if name in os.environ), None)
    if seat is not None and torch.cuda.is_available():
        torch.cuda.set_device(int(seat) % torch.cuda.device_count())


def accelerator(device: "torch.device | str") -> str:
    """The Trainer's accelerator for a device; "auto" alone would take an Apple GPU, too."""
    return "cpu" if str(device).partition(":")[0] == "cpu" else "auto"


def visible_devices() -> list[str]:
    """Names of the CUDA devices that this process may use, as `CUDA_VISIBLE_DEVICES` takes them: numbers, UUIDs, MIG.

    A job scheduler gives a process some of the devices of a machine by that variable: its names are kept.
    """
    import torch

    count = torch.cuda.device_count()
    inherited = [name.strip() for name in os.environ.get(_VISIBLE, "").split(",") if name.strip()]
    return inherited[:count] if inherited else [str(number) for number in range(count)]


def take_share(seat: int, workers: int) -> None:
    """Give this process its share: one device where there are several, and some of processors and memory.

    Args:
        seat: number of this process, from 0.
        workers: processes that share the machine.
    """
    import torch

    names = visible_devices()
    if names:
        os.environ[_VISIBLE] = names[seat % len(names)]
    _sharing[0] = -(-workers // max(1, len(names)))
    torch.set_num_threads(max(1, processors() // workers))


def sharing() -> int:
    """Number of processes that share the device of this one, and so its memory."""
    return _sharing[0]


def begin_peak() -> None:
    """Let `peak_bytes` begin anew, where the system can: on CUDA devices and on Linux."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        _CLEAR.write_text(_RESET_PEAK, encoding="ascii")


def peak_bytes() -> int:
    """The most memory that this process has held since `begin_peak`, in bytes: of the CUDA device if there is one."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resident_peak_bytes()


def resident_peak_bytes() -> int:
    """The most main memory of this process since `begin_peak`, in bytes; 0 on Windows, which does not report it."""
    if found := _status("VmHWM:"):
        return int(found) * _KIBIBYTE
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else _KIBIBYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(entry: str) -> str:
    """The number of an entry in Linux's status of this process; "" where there is none."""
    if not _STATUS.is_file():
        return ""
    lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next((line.split()[1] for line in lines if line.startswith(entry)), "")


def free_memory() -> None:
    """Give back what this process no longer needs; call it where no exception refers to the tensors any more.

    It collects garbage, which takes a tenth of a second or more.
    """
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    trim_heap()


def trim_heap() -> None:
    """Give freed tensors back to the system.

    glibc keeps those of up to 32 MB in its heap, whose gaps the next ones seldom fit: a process that makes one picture
    after the other would grow with each.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)


def is_running(process: int) -> bool:
    """Whether a process with that number exists on this machine; on Windows always True, since asking would end it."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True


def hold(path: Path) -> bool:
    """Hold a file until this process ends, in whatever way; False where another process holds it.

    The lock is that of the operating system on an empty file, which stays behind and means nothing. Where there are no
    locks, as on Windows and some file systems, every process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    path = path.absolute()
    if path in _held:
        return True
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    except OSError:
        file.close()
        return True
    _held[path] = file
    return True


def umask() -> int:
    """Permissions that new files do not get."""
    if found := _status("Umask:"):
        return int(found, 8)
    mask = os.umask(0o077)  # for a moment, as there is no other way to ask; nothing is opened to others meanwhile
    os.umask(mask)
    return mask


def _warn_once(line: str) -> None:
    if line not in _warned:
        _warned.add(line)
        _log.warning(line)
