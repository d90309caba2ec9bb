import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rnst.cli import main
from rnst.encoders.catalog import build_classifier
from rnst.encoders.encoder import load_encoder
from rnst.encoders.names import find_network
from rnst.encoders.weights.files import read_weights, write_weights

_MEAN, _STD = (0.4717, 0.4499, 0.3837), (0.26, 0.2516, 0.2575)


def _theirs(path: Path) -> dict[str, Tensor]:
    """A file in MadryLab's layout, of a ResNet-18 with 9 classes."""
    state: dict[str, Tensor] = build_classifier("resnet18", 9).state_dict()
    normalizer = {
        "module.normalizer.new_mean": torch.tensor(_MEAN).view(3, 1, 1),
        "module.normalizer.new_std": torch.tensor(_STD).view(3, 1, 1),
    }
    torch.save({"model": {**normalizer, **{f"module.model.{name}": tensor for name, tensor in state.items()}}}, path)
    return state


def _same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def _refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["convert", *map(str, arguments)])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_theirs_to_ours_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = _theirs(tmp_path / "theirs.pt")
    main(["convert", str(tmp_path / "theirs.pt"), str(tmp_path / "ours.safetensors")])
    said = capsys.readouterr().out
    assert (
        "theirs.pt: resnet18, 9 classes, normalization of the file (mean 0.4717 0.4499 0.3837), radius unknown" in said
    )
    read, facts = read_weights(tmp_path / "ours.safetensors")
    assert _same(read, state)
    assert (facts["architecture"], facts["mean"], facts["std"]) == ("resnet18", list(_MEAN), list(_STD))
    main(["convert", str(tmp_path / "ours.safetensors"), str(tmp_path / "back.pt")])
    again, facts_again = read_weights(tmp_path / "back.pt")
    assert _same(again, state)
    assert facts_again["architecture"] == "resnet18"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.pt", "ours.safetensors", "theirs.pt"]


def test_an_encoder_uses_the_normalization_of_the_file(tmp_path: Path) -> None:
    _theirs(tmp_path / "theirs.pt")
    encoder, _ = load_encoder(find_network("resnet18"), ["layer1"], weights=str(tmp_path / "theirs.pt"))
    assert encoder.mean.flatten().tolist() == pytest.approx(list(_MEAN))
    assert encoder.std.flatten().tolist() == pytest.approx(list(_STD))


def test_half__smaller(tmp_path: Path) -> None:
    _theirs(tmp_path / "theirs.pt")
    for name, options in (("full", []), ("half", ["--half"])):
        main(["convert", str(tmp_path / "theirs.pt"), str(tmp_path / f"{name}.safetensors"), *options])
    sizes = {name: (tmp_path / f"{name}.safetensors").stat().st_size for name in ("full", "half")}
    assert sizes["half"] < 0.51 * sizes["full"]


def test_a_name_of_the_catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["convert", "resnet50_robust", str(tmp_path / "bundled.pt")])
    assert "resnet50, 10 classes" in capsys.readouterr().out
    assert read_weights(tmp_path / "bundled.pt")[1]["radius"] == 1.7143


def test_a_network_that_this_installation_did_not_bring(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnst.encoders.names._BUNDLED_FOLDERS", (tmp_path, tmp_path / "bundled"))
    error = _refused(capsys, "resnet18_robust", tmp_path / "out.pt")
    assert f"weights of resnet18_robust not found: {tmp_path / 'resnet18_robust.safetensors'}. " in error
    assert "take the file from checkpoints/ of rnst's repository" in error


def test_a_published_network__offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert f"the file is not in {tmp_path / 'hub'}. " in _refused(capsys, "resnet18_l2_eps3", tmp_path / "out.pt")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "reason"),
    [("HF_HUB_OFFLINE=1", "HF_HUB_OFFLINE is set"), ("HF_ENDPOINT=http://127.0.0.1:9", "no connection to the server")],
)
def test_the_hub_by_its_own_variables(tmp_path: Path, setting: str, reason: str) -> None:
    name, _, value = setting.partition("=")
    command = [
        sys.executable,
        "-c",
        "from rnst.cli import main; main()",
        "convert",
        "resnet18_l2_eps3",
        str(tmp_path / "o.pt"),
    ]
    ended = subprocess.run(  # noqa: S603 - our own command
        command, env={**os.environ, "HF_HOME": str(tmp_path), name: value}, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert reason in ended.stderr


def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs, ours = tmp_path / "theirs.pt", tmp_path / "ours.safetensors"
    _theirs(theirs)
    write_weights(tmp_path / "odd.safetensors", {"a.weight": torch.zeros(2, 2)}, {})
    assert "weight file not found" in _refused(capsys, tmp_path / "none.pt", ours)
    assert "another file than IN" in _refused(capsys, theirs, theirs)
    assert "one of safetensors, madrylab" in _refused(capsys, theirs, ours, "--to", "onnx")
    assert "OUT is" in _refused(capsys, theirs, ours, "--to", "madrylab")
    assert "--architecture" in _refused(capsys, tmp_path / "odd.safetensors", ours)
    assert "do not fit" in _refused(capsys, theirs, ours, "--architecture", "resnet50")
    assert "unknown architecture 'resnet17'" in _refused(capsys, theirs, ours, "--architecture", "resnet17")
    assert not ours.exists()
