from pathlib import Path

import pytest
import torch
from torch import Tensor

from rnst.encoders.catalog import build_classifier
from rnst.encoders.weights.files import load_into, read_weights, write_madrylab
from rnst.encoders.weights.layouts import FACTS_KEY, madrylab, plain_names
from rnst.errors import UnreadableFileError

_MEAN, _STD = (0.4717, 0.4499, 0.3837), (0.26, 0.2516, 0.2575)
_FACTS = {"mean": list(_MEAN), "std": list(_STD), "architecture": "tiny", "radius": 3.0, "epochs": 7}


def _state() -> dict[str, Tensor]:
    return {
        "conv1.weight": torch.randn(4, 3, 3, 3),
        "bn1.running_mean": torch.randn(4),
        "bn1.running_var": torch.rand(4),
        "bn1.num_batches_tracked": torch.tensor(5),
        "layer1.0.model.weight": torch.randn(2, 4),
    }


def _behind(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def _madrylab(state: dict[str, Tensor], inner: str = "") -> dict[str, Tensor]:
    """As the package lays it out: the network twice, the normalization twice."""
    statistics = {"new_mean": torch.tensor(_MEAN).view(3, 1, 1), "new_std": torch.tensor(_STD).view(3, 1, 1)}
    return {
        **_behind("module.normalizer.", statistics),
        **_behind(f"module.model.{inner}", state),
        **_behind("module.attacker.normalize.", statistics),
        **_behind(f"module.attacker.model.{inner}", state),
    }


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("key", ["model", "state_dict"])
@pytest.mark.parametrize("inner", ["", "model."], ids=["package's own network", "network of torchvision"])
@pytest.mark.parametrize("container", ["zip", "legacy"])
def test_madrylab__weights_and_normalization(tmp_path: Path, key: str, inner: str, container: str) -> None:
    state, path = _state(), tmp_path / "net.pt"
    content = {key: _madrylab(state, inner), "optimizer": {}, "epoch": 3, "amp": None, "nat_prec1": torch.tensor(0.5)}
    torch.save(content, path, _use_new_zipfile_serialization=container == "zip")
    read, facts = read_weights(path)
    assert _same(read, state)
    assert facts == {"mean": list(_MEAN), "std": list(_STD)}, "as short as they were written"


def test_madrylab__two_copies_that_differ(tmp_path: Path) -> None:
    content = _madrylab(_state())
    content["module.attacker.model.conv1.weight"] = torch.zeros(4, 3, 3, 3)
    torch.save({"model": content}, tmp_path / "net.pt")
    with pytest.raises(UnreadableFileError, match=r"two copies of the weights differ; conv1\.weight"):
        read_weights(tmp_path / "net.pt")


@pytest.mark.parametrize("std", [torch.zeros(3), torch.ones(1), torch.ones(4)], ids=str)
def test_madrylab__a_normalization_that_makes_no_sense(tmp_path: Path, std: Tensor) -> None:
    content = {**_madrylab(_state()), "module.normalizer.new_std": std}
    torch.save({"model": content}, tmp_path / "net.pt")
    with pytest.raises(UnreadableFileError, match="normalization is not one of three channels"):
        read_weights(tmp_path / "net.pt")


@pytest.mark.parametrize(("key", "value"), [("mean", float("nan")), ("mean", float("inf")), ("std", float("inf"))])
def test_madrylab__a_normalization_that_is_not_finite(tmp_path: Path, key: str, value: float) -> None:
    content = {**_madrylab(_state()), f"module.normalizer.new_{key}": torch.tensor([0.5, value, 0.5])}
    torch.save({"model": content}, tmp_path / "net.pt")
    with pytest.raises(UnreadableFileError, match=f"its fact '{key}' is "):
        read_weights(tmp_path / "net.pt")


def test_facts_of_ours__before_the_normalization_of_the_wrapper(tmp_path: Path) -> None:
    content = {"model": _madrylab(_state()), FACTS_KEY: {"mean": [0.5, 0.25, 0.125]}}
    torch.save(content, tmp_path / "net.pt")
    assert read_weights(tmp_path / "net.pt")[1] == {"mean": [0.5, 0.25, 0.125], "std": list(_STD)}


@pytest.mark.parametrize(
    "prefix", ["", "module.", "model.", "network.", "module.model.", "_orig_mod.", "module._orig_mod.model."]
)
def test_prefixes__of_every_name_or_of_none(prefix: str) -> None:
    state = _state()
    assert _same(plain_names(_behind(prefix, state))[0], state)
    assert plain_names(_behind(prefix, state))[1] == {}
    mixed = {**_behind("model.", state), "other.weight": torch.zeros(1)}
    assert _same(plain_names(mixed)[0], mixed), "only some names have it: it belongs to them"


def test_lightning__our_network_alone(tmp_path: Path) -> None:
    state = _state()
    content = {
        "state_dict": {**_behind("network.", state), "average.conv1.weight": torch.zeros(1)},
        "pytorch-lightning_version": "2.6.6",
        "epoch": 3,
    }
    torch.save(content, tmp_path / "net.ckpt")
    assert _same(read_weights(tmp_path / "net.ckpt")[0], state)


def test_what_we_write_in_their_layout__read_back_with_its_facts(tmp_path: Path) -> None:
    state = _state()
    write_madrylab(tmp_path / "net.pt", state, _FACTS)
    read, facts = read_weights(tmp_path / "net.pt")
    assert _same(read, state)
    assert facts == _FACTS
    content = torch.load(tmp_path / "net.pt", weights_only=True)  # noqa: TID251 - it holds plain tensors only
    assert content["epoch"] == 7
    assert content["model"].keys() == _madrylab(state).keys()
    assert 2 * sum(tensor.nbytes for tensor in state.values()) > (tmp_path / "net.pt").stat().st_size - 6000, (
        "both copies lie in one place on disk"
    )


def test_what_we_write_in_their_layout__counters_that_a_file_may_lack() -> None:
    state = _state()
    del state["bn1.num_batches_tracked"]
    assert "module.model.bn1.num_batches_tracked" in madrylab(state, _FACTS)["model"]


def test_logits_survive_both_layouts(tmp_path: Path) -> None:
    source, target = build_classifier("resnet18", 9).eval(), build_classifier("resnet18", 9).eval()
    torch.save({"model": _madrylab(source.state_dict())}, tmp_path / "theirs.pt")
    write_madrylab(tmp_path / "ours.pt", read_weights(tmp_path / "theirs.pt")[0], _FACTS)
    load_into(target, read_weights(tmp_path / "ours.pt")[0], "ours.pt")
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(source(images), target(images))


def test_copies_that_claim_more_than_they_hold__are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = torch.zeros(1).expand(10**14)  # to compare them takes hours
    monkeypatch.setattr(torch, "equal", lambda *_: pytest.fail("they were compared"))
    copies = {f"module.{place}model.w": claimed for place in ("", "attacker.")}
    torch.save({"model": copies}, tmp_path / "net.pt")
    with pytest.raises(UnreadableFileError, match="w claims 100000000000000 numbers and has fewer"):
        read_weights(tmp_path / "net.pt")
