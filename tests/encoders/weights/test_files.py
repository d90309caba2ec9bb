import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import WeightsMismatchError, load_into, read_weights, sha256_of, write_weights
from rnst.errors import MissingPathError, UnreadableFileError

_FACTS = {"architecture": "tiny", "classes": ["a", "b"], "radius": 3.0, "steps": 7, "versions": {"torch": "2"}}


def _network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_round_trip_with_facts(tmp_path: Path) -> None:
    state, path = _network().state_dict(), tmp_path / "new" / "net.safetensors"
    write_weights(path, state, _FACTS)
    read, facts = read_weights(path)
    assert _same(read, state)
    assert facts == _FACTS
    assert [each.name for each in path.parent.iterdir()] == ["net.safetensors"], "nothing else is left behind"


def test_channels_last_weights_can_be_written(tmp_path: Path) -> None:
    network = _network().to(memory_format=torch.channels_last)
    write_weights(tmp_path / "net.safetensors", network.state_dict(), {})
    assert _same(read_weights(tmp_path / "net.safetensors")[0], network.state_dict())


def test_half__kernels_only(tmp_path: Path) -> None:
    network, path = _network(), tmp_path / "net.safetensors"
    write_weights(path, network.state_dict(), _FACTS, half=True)
    read, facts = read_weights(path)
    assert facts == _FACTS
    kinds = {name: tensor.dtype for name, tensor in read.items()}
    assert kinds["0.weight"] == kinds["3.weight"] == torch.float16
    assert kinds["0.bias"] == kinds["1.weight"] == kinds["1.running_var"] == torch.float32
    assert kinds["1.num_batches_tracked"] == torch.int64
    again = _network()
    load_into(again, read, path)
    assert all(parameter.dtype == torch.float32 for parameter in again.parameters())
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)


def test_write__an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    write_weights(path, _network().state_dict(), _FACTS)
    before = sha256_of(path)
    with pytest.raises(TypeError):
        write_weights(path, _network().state_dict(), {"not plain": object()})
    assert sha256_of(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_load_into__same_outputs(tmp_path: Path) -> None:
    source, target = build_classifier("resnet18", 9).eval(), build_classifier("resnet18", 9).eval()
    write_weights(tmp_path / "net.safetensors", source.state_dict(), {})
    load_into(target, read_weights(tmp_path / "net.safetensors")[0], "net")
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(source(images), target(images))


def test_load_into__missing_tensor() -> None:
    network, state = _network(), _network().state_dict()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    del state["0.bias"], state["3.weight"]
    with pytest.raises(WeightsMismatchError, match=r"some\.pt .*2 tensors are missing, the first is 0\.bias"):
        load_into(network, state, "some.pt")
    assert _same(network.state_dict(), before), "a refused file changes nothing"


def test_load_into__other_shape() -> None:
    state = _network().state_dict()
    state["3.weight"] = torch.zeros(5, 4)
    with pytest.raises(WeightsMismatchError, match=r"3\.weight is \(5, 4\), the network wants \(2, 4\)"):
        load_into(_network(), state, "some.pt")


def test_load_into__left_over_head_and_missing_counter_are_fine() -> None:
    state = {**_network().state_dict(), "head.weight": torch.zeros(9)}
    del state["1.num_batches_tracked"]
    network = _network()
    load_into(network, state, "some.pt")
    assert torch.equal(network.state_dict()["3.weight"], state["3.weight"])


def test_load_into__a_network_without_memory() -> None:
    with torch.device("meta"):
        network = _network()
    state = _network().state_dict()
    load_into(network, state, "some.pt")
    assert _same(dict(network.state_dict()), dict(state))


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"state_dict": state, "epoch": 3}])
def test_torch_files_of_plain_tensors(tmp_path: Path, wrap: Callable[[Any], Any]) -> None:
    state = _network().state_dict()
    torch.save(wrap(state), tmp_path / "net.pt")
    read, facts = read_weights(tmp_path / "net.pt")
    assert _same(read, dict(state))
    assert facts == {}


def test_a_lightning_checkpoint_of_ours(tmp_path: Path) -> None:
    state = _network().state_dict()
    torch.save({"state_dict": {f"network.{name}": tensor for name, tensor in state.items()}}, tmp_path / "net.ckpt")
    assert _same(read_weights(tmp_path / "net.ckpt")[0], dict(state))


class _Bomb:
    """Unpickled carelessly, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self._mark}'",)


@pytest.mark.parametrize("container", ["zip", "legacy", "plain pickle"])
@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
def test_a_malicious_pickle_is_refused_and_not_executed(tmp_path: Path, container: str, name: str) -> None:
    mark, path = tmp_path / "executed", tmp_path / name
    content = {"state_dict": {**_network().state_dict(), "bomb": _Bomb(mark)}}
    if container == "plain pickle":
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=container == "zip")
    with pytest.raises(UnreadableFileError, match=r"cannot read .*net\."):
        read_weights(path)
    assert not mark.exists()


def test_the_bomb_is_live(tmp_path: Path) -> None:
    """Otherwise the test above shows nothing."""
    pickle.loads(pickle.dumps(_Bomb(tmp_path / "executed")))  # noqa: S301 - our own bomb
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [[1, 2], {"state_dict": 5}, {"epoch": 3}, "text"], ids=str)
def test_no_dictionary_of_tensors(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(UnreadableFileError, match="holds no dictionary of tensors"):
        read_weights(tmp_path / "net.pt")


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt"])
@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, name: str, keep: int) -> None:
    path = tmp_path / name
    if path.suffix == ".pt":
        torch.save(_network().state_dict(), path)
    else:
        write_weights(path, _network().state_dict(), _FACTS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableFileError, match=r"cannot read .*net\."):
        read_weights(path)


@pytest.mark.parametrize(
    "content",
    [b"\x80\x02\x82\x01.", b"\x80\x02\x8b\xff\xff\x00\x00.", b"\x80\x02h\x07."],
    ids=["extension", "long", "memo"],
)
def test_a_damaged_pickle_is_not_explained_in_the_words_of_a_library(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pt"
    path.write_bytes(content + bytes(20))
    with pytest.raises(UnreadableFileError, match="as weights: it is damaged, cut off, or no weight file"):
        read_weights(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")  # a damaged byte may say any protocol
@pytest.mark.parametrize("container", ["safetensors", "zip", "legacy"])
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, container: str) -> None:
    path = tmp_path / ("net.safetensors" if container == "safetensors" else "net.pt")
    if container == "safetensors":
        write_weights(path, _network().state_dict(), _FACTS)
    else:
        torch.save(_network().state_dict(), path, _use_new_zipfile_serialization=container == "zip")
    whole, refused = path.read_bytes(), 0
    for number in range(120):
        damaged = bytearray(whole)
        if number % 3 == 0:
            damaged = damaged[: int(torch.randint(1, len(whole), ()))]
        for _ in range(3):
            damaged[int(torch.randint(min(800, len(damaged)), ()))] = int(torch.randint(256, ()))
        path.write_bytes(bytes(damaged))
        try:
            read_weights(path)
        except UnreadableFileError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"P", "it has no more than 1 bytes"),
        (b"\x80\x02}q\x00.", "it has no more than 6 bytes"),
        (b"<!doctype html><title>404</title>", "it is a web page"),
        (b"\n <Error><Code>AccessDenied</Code></Error>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 102\n", "it is a pointer of Git LFS"),
    ],
)
def test_what_is_no_weight_file_at_first_sight(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFileError, match=rf"cannot read .*{name} as weights: {reason}"):
        read_weights(tmp_path / name)


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt"])
@pytest.mark.parametrize("state", [{}, {"module.normalizer.new_mean": torch.zeros(3)}], ids=["nothing", "no network"])
def test_a_file_without_weights__refused_at_once(tmp_path: Path, name: str, state: dict[str, Tensor]) -> None:
    if name == "net.pt":
        torch.save({"model": state}, tmp_path / name)
    else:
        save_file(state, tmp_path / name)
    with pytest.raises(UnreadableFileError, match=r"it holds no (dictionary of tensors|weights of a network)"):
        read_weights(tmp_path / name)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match="weight file not found"):
        read_weights(tmp_path / "net.pt")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 1_000_000)
    shutil.copy(tmp_path / "file", tmp_path / "copy")
    assert sha256_of(tmp_path / "file") == sha256_of(tmp_path / "copy")
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
