import argparse
import io
import pickle
import pickletools
import tarfile
import zipfile
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rnst.encoders.weights.containers import Container
from rnst.encoders.weights.files import read_weights
from rnst.encoders.weights.safe_pickle import Inert, StoredTensor, load
from rnst.errors import UnreadableFileError
from tests.encoders.gadgets import GADGETS, Gadget

_CONTAINERS = ("zip", "legacy", "plain pickle")


def _network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def _write(content: object, path: Path, container: str, pickle_module: Any = pickle) -> None:
    if container == "plain pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        zipped = container == "zip"
        torch.save(content, path, pickle_module=pickle_module, _use_new_zipfile_serialization=zipped)


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("container", _CONTAINERS)
@pytest.mark.parametrize("place", ["all of it", "beside the weights", "among the weights"])
@pytest.mark.parametrize("name", GADGETS)
def test_a_planted_call_is_refused_in_one_line_and_not_made(
    tmp_path: Path, name: str, place: str, container: str
) -> None:
    mark, path = tmp_path / "executed", tmp_path / "net.pt"
    gadget, state = Gadget(GADGETS[name](mark)), _network().state_dict()
    content = {
        "all of it": gadget,
        "beside the weights": {"model": state, "optimizer": gadget},
        "among the weights": {"model": {**state, "gadget": gadget}},
    }[place]
    _write(content, path, container)
    with pytest.raises(UnreadableFileError, match=r"cannot read .*net\.pt as weights") as refused:
        read_weights(path)
    assert "\n" not in str(refused.value)
    assert not mark.exists()


@pytest.mark.parametrize("name", GADGETS)
def test_the_gadgets_are_live(tmp_path: Path, name: str) -> None:
    """Otherwise the test above shows nothing."""
    pickle.loads(pickle.dumps(Gadget(GADGETS[name](tmp_path / "executed"))))  # noqa: S301 - our own
    assert (tmp_path / "executed").exists()


def test_the_refusal_says_what_was_asked_for(tmp_path: Path) -> None:
    torch.save({"model": {}, "optimizer": Gadget(GADGETS["os.system"](tmp_path / "mark"))}, tmp_path / "net.pt")
    with pytest.raises(UnreadableFileError, match=r"it asks for posix\.system, .*nothing was run"):
        read_weights(tmp_path / "net.pt")


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_functions_that_dill_wrote_are_never_made(tmp_path: Path, container: str) -> None:
    """MadryLab's files hold some, from Pythons whose code objects no longer load; here one of them is even called."""
    dill, mark = pytest.importorskip("dill"), tmp_path / "executed"
    state, path = _network().state_dict(), tmp_path / "net.pt"
    touch = lambda name: __import__("pathlib").Path(name).touch()  # noqa: E731 - dill writes it by value
    content = {"model": state, "schedule": {"lr_lambdas": [touch, Gadget((touch, (str(mark),)))]}, "epoch": 3}
    _write(content, path, container, dill)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)  # noqa: TID251 - to show that ours is needed
    read, facts = read_weights(path)
    assert _same(read, dict(state))
    assert facts == {}
    assert not mark.exists()
    torch.load(path, weights_only=False, pickle_module=dill)  # noqa: TID251 - our own file
    assert mark.exists(), "the gadget was live"


class _StandIn:
    """Ignores what it is given, and whatever comes of it may be called and filled again: the most that torch allows."""

    def __new__(cls, *_arguments: object) -> Any:
        return object.__new__(cls)

    def __init__(self, *_arguments: object) -> None:
        pass

    def __call__(self, *_arguments: object) -> Any:
        return self

    def __eq__(self, other: object) -> bool:
        return other is _StandIn or isinstance(other, _StandIn)

    def __hash__(self) -> int:
        return 0

    def __setstate__(self, state: object) -> None:
        pass


def _schedule(epochs: int) -> Any:
    """As MadryLab's training makes its cyclic one: a function that keeps a number of the one around it."""
    return lambda epoch: epoch / epochs


def _tuple_in_itself() -> tuple[Any, ...]:
    inner: list[Any] = []
    inner.append((inner,))
    return inner[0]  # type: ignore[no-any-return]


def _names_in(path: Path) -> list[str]:
    """All names that a file asks for."""
    content, pickles = io.BytesIO(path.read_bytes()), 4
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content, pickles = io.BytesIO(archive.read(f"{path.stem}/data.pkl")), 1
    operations = [operation for _ in range(pickles) for operation in pickletools.genops(content)]
    names = [str(argument).replace(" ", ".") for code, argument, _ in operations if code.name == "GLOBAL"]
    return [name.replace("__builtin__", "builtins") for name in names]


_BEYOND_TORCH: dict[str, tuple[str, Callable[[], object], int, tuple[str, ...]]] = {
    "a schedule with a closure": ("dill", lambda: _schedule(3), 2, ("zip", "legacy")),
    "a whole network": ("pickle", _network, 2, ("legacy",)),
    "a dictionary with a default": ("pickle", lambda: defaultdict(list, {"a": [1]}), 2, ("zip", "legacy")),
    "a queue": ("pickle", lambda: deque([1, 2]), 2, ("zip", "legacy")),
    "a tuple in itself": ("pickle", _tuple_in_itself, 2, ("zip", "legacy")),
    "a number of a thousand bytes": ("pickle", lambda: 1 << 8000, 2, ("zip", "legacy")),
    "protocol 4": ("pickle", lambda: {1, 2}, 4, ("zip", "legacy")),
}
_BEYOND_TORCH_CASES = [(name, container) for name, case in _BEYOND_TORCH.items() for container in case[3]]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(("name", "container"), _BEYOND_TORCH_CASES)
def test_what_torch_cannot_read_even_with_stand_ins(tmp_path: Path, name: str, container: str) -> None:
    """Why there is an unpickler of ours; when this fails for all of them, it may go."""
    module, make, protocol, _ = _BEYOND_TORCH[name]
    state, path = _network().state_dict(), tmp_path / "net.pt"
    torch.save(
        {"model": state, "more": make()},
        path,
        pickle_module=pytest.importorskip(module),
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=container == "zip",
    )
    names: list[Any] = [(_StandIn, each) for each in _names_in(path)]
    with torch.serialization.safe_globals(names), pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)  # noqa: TID251 - to show that ours is needed
    assert _same(read_weights(path)[0], dict(state))


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_a_tensor_that_claims_gigabytes(tmp_path: Path, container: str) -> None:
    _write({"a": _crafted(0, (1 << 31,), (1,))}, tmp_path / "net.pt", container)
    with pytest.raises(UnreadableFileError, match=r"cannot read .*net\.pt as weights"):
        read_weights(tmp_path / "net.pt")


@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_harmless_strangers_do_not_hide_the_weights(tmp_path: Path, container: str) -> None:
    numpy, network = pytest.importorskip("numpy"), _network()
    state, path = network.state_dict(), tmp_path / "net.pt"
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    content = {
        "state_dict": {name: nn.Parameter(tensor, requires_grad=False) for name, tensor in state.items()},
        "whole": network,
        "optimizer": optimizer,
        "best": numpy.float64(0.5),
        "where": Path("here"),
        "seen": {1, 2},
        "kind": torch.float16,
        "settings": argparse.Namespace(epochs=3),
    }
    _write(content, path, container)
    assert _same(read_weights(path)[0], dict(state))


@pytest.mark.parametrize("container", ["zip", "legacy"])
@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(3, 4).half(),
        torch.randn(3, 4).bfloat16(),
        torch.randn(5, 4)[1:4, ::2],
        torch.randn(3, 4, 2, 2).to(memory_format=torch.channels_last),
        torch.arange(7),
        torch.tensor(5),
        torch.tensor([True, False]),
        torch.empty(0, 3),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)}",
)
def test_our_own_reader_reads_what_torch_reads(tmp_path: Path, container: str, tensor: Tensor) -> None:
    _write({"a": tensor, "again": tensor.view_as(tensor)}, tmp_path / "net.pt", container)
    opened = Container(tmp_path / "net.pt")
    read = opened.tensor(opened.content["a"])
    assert (read.dtype, read.stride()) == (tensor.dtype, tensor.stride())
    assert torch.equal(read, tensor)
    again = opened.tensor(opened.content["again"])
    assert tensor.numel() == 0 or again.data_ptr() == read.data_ptr(), "shared on disk, shared in memory"


def _first_tensor(path: Path) -> Tensor:
    opened = Container(path)
    return opened.tensor(opened.content["a"])


def _crafted(offset: object, shape: object, stride: object) -> Gadget:
    storage = torch.zeros(4)._typed_storage()
    return Gadget((torch._utils._rebuild_tensor_v2, (storage, offset, shape, stride, False, OrderedDict())))


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [(0, (5,), (1,)), (3, (2,), (1,)), (0, (2, 2), (4, 1)), (-1, (2,), (1,)), (0, (2,), ()), (0, (2.0,), (1,))],
)
def test_a_tensor_that_reaches_outside_of_its_storage(
    tmp_path: Path, offset: object, shape: object, stride: object
) -> None:
    torch.save({"a": _crafted(offset, shape, stride)}, tmp_path / "net.pt")
    with pytest.raises(pickle.UnpicklingError, match="one of its tensors"):
        _first_tensor(tmp_path / "net.pt")


def test_one_number_for_a_billion_places(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(10**9)}, tmp_path / "net.pt")
    with pytest.raises(UnreadableFileError, match=r"a claims 1000000000 numbers and has fewer"):
        read_weights(tmp_path / "net.pt")


def test_a_compressed_archive_is_not_unpacked(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "net.pt")
    with (
        zipfile.ZipFile(tmp_path / "net.pt") as archive,
        zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in archive.namelist():
            bomb.writestr(name, archive.read(name))
    assert (tmp_path / "bomb.pt").stat().st_size < 10_000
    with pytest.raises(UnreadableFileError, match="compressed archive"):
        read_weights(tmp_path / "bomb.pt")


def test_entries_that_claim_more_than_the_file_has(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({"a": torch.zeros(64)}, path)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = (1 << 30).to_bytes(4, "little") * 2
    path.write_bytes(bytes(content))
    with pytest.raises(UnreadableFileError, match="claims to hold more than the file has"):
        read_weights(path)


def test_containers_that_are_none_of_torch_save(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with tarfile.open(path, "w") as archive:
        archive.add(__file__, "pickle")
    with pytest.raises(UnreadableFileError, match=r"tar archive of torch 0\.1"):
        read_weights(path)
    with zipfile.ZipFile(path, "w") as archive:  # as TorchScript does, whose files are programs
        archive.writestr("net/data.pkl", pickle.dumps({"model": {}}, protocol=2))
        archive.writestr("net/constants.pkl", pickle.dumps((), protocol=2))
    with pytest.raises(UnreadableFileError, match=r"net\.pt as weights"):
        read_weights(path)


def test_a_pickle_that_wants_much_memory(tmp_path: Path) -> None:
    wild = b"\x80\x02K\x01r\xf0\xff\xff\xff."  # remember an object at place 4294967280
    with pytest.raises(pickle.UnpicklingError, match="remembers more than it holds"):
        load(io.BytesIO(wild))
    assert tmp_path.is_dir()


def test_the_inert_one_absorbs_everything() -> None:
    made = Inert(1, key=2)
    assert made is Inert
    assert Inert.__new__(Inert, 3)(4)(5) is Inert
    made["key"] = 1
    made.append(1)
    made.extend([1])
    made.add(1)
    made.__setstate__({"dump_patches": True})
    assert not hasattr(made, "dump_patches")


def test_only_records_come_out() -> None:
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        found = load(io.BytesIO(archive.read("archive/data.pkl")))
    assert isinstance(found["a"], StoredTensor)
