import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from rnst import machine
from rnst.optimization.memory import available_bytes


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_sharing", [1])


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux pins a process to processors")
def test_processors__are_those_that_the_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert machine.processors() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert machine.processors() == len(allowed)


@pytest.mark.parametrize(
    ("inherited", "seats"),
    [
        (None, ["0", "1", "2", "0"]),
        ("4,5,7", ["4", "5", "7", "4"]),
        ("GPU-8a3, GPU-1b2,MIG-77/1/0", ["GPU-8a3", "GPU-1b2", "MIG-77/1/0", "GPU-8a3"]),
    ],
)
def test_take_share__maps_workers_through_the_inherited_devices(
    monkeypatch: pytest.MonkeyPatch, inherited: str | None, seats: list[str]
) -> None:
    """Devices that a scheduler gave to somebody else are never taken."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    threads = torch.get_num_threads()
    taken = []
    for seat in range(4):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if inherited is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", inherited)
        machine.take_share(seat, 4)
        taken.append(os.environ["CUDA_VISIBLE_DEVICES"])
    torch.set_num_threads(threads)
    assert taken == seats


def test_take_share__of_a_device_that_several_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Free memory is divided by the processes that measure it at the same time."""
    threads = torch.get_num_threads()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    whole = available_bytes(torch.device("cpu"))
    for workers, sharing in ((1, 1), (2, 1), (3, 2), (6, 3)):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        machine.take_share(0, workers)
        assert machine.sharing() == sharing
    assert available_bytes(torch.device("cpu")) == pytest.approx(whole / 3, rel=0.3)
    torch.set_num_threads(threads)


def test_available__what_the_allocator_has_reserved_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"mem_get_info": (10.0, 80.0), "memory_reserved": 50.0, "memory_allocated": 20.0}
    for name, value in figures.items():
        monkeypatch.setattr(torch.cuda, name, lambda _device, value=value: value)
    assert available_bytes(torch.device("cuda")) == pytest.approx(0.7 * (10.0 + 50.0 - 20.0))


@pytest.mark.parametrize(
    ("variables", "taken"),
    [({}, []), ({"LOCAL_RANK": "1"}, [1]), ({"SLURM_LOCALID": "3"}, [1]), ({"LOCAL_RANK": "0", "RANK": "5"}, [0])],
)
def test_device__each_process_measures_its_own(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], taken: list[int]
) -> None:
    chosen: list[int] = []
    for name in ("LOCAL_RANK", "SLURM_LOCALID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    assert machine.device() == torch.device("cuda")
    assert chosen == taken


def test_device__an_apple_gpu_is_named_as_unsupported_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(machine, "_warned", set())
    assert {machine.device().type, machine.device().type, machine.device("cpu").type} == {"cpu"}
    assert [record.message for record in caplog.records] == ["Apple's GPU (MPS) is not supported: the CPU computes"]
    assert (machine.accelerator("cpu"), machine.accelerator(torch.device("cuda", 1))) == ("cpu", "auto")


def test_device__the_cpu_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (machine.device().type, machine.device("gpu").type, machine.device("cpu").type) == ("cuda", "cuda", "cpu")


def test_umask__is_read_and_stays_what_it_is() -> None:
    before = os.umask(0o027)
    try:
        assert machine.umask() == 0o027
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="elsewhere the mask is known only by setting it")
def test_umask__is_never_open_while_other_threads_make_files(tmp_path: Path) -> None:
    before, done, modes = os.umask(0o077), threading.Event(), set[int]()

    def ask() -> None:
        while not done.is_set():
            machine.umask()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for number in range(300):
            path = tmp_path / str(number)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
            modes.add(path.stat().st_mode & 0o777)
    finally:
        done.set()
        asking.join()
        os.umask(before)
    assert modes == {0o600}


def test_peak__grows_with_what_is_held() -> None:
    before = machine.resident_peak_bytes()
    torch.ones(max(1, 2 * before // 4))
    assert machine.resident_peak_bytes() > before > 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other allocators")
def test_freed_memory__goes_back_to_the_system_from_between_what_is_held() -> None:
    program = """if True:
        import torch
        from rnst import machine
        from rnst.optimization.memory import held_bytes
        cpu = torch.device("cpu")
        held = [torch.ones(1 << 14) for _ in range(2_000)]
        del held[::2]
        full = held_bytes(cpu)
        machine.trim_heap()
        print(full - held_bytes(cpu) > 0.8 * 1_000 * (4 << 14))
    """
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.split() == ["True"]


def test_importing_it_loads_no_torch() -> None:
    program = "import sys, rnst.machine; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert found.stdout.strip() == "False"
