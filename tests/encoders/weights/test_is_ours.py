"""Whose a weight file is: ours may be replaced, those of others never."""

import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rnst.encoders.weights.files import is_ours, write_madrylab, write_weights

_STATE = {"w": torch.zeros(2)}
_FACTS = {"architecture": "tiny", "mean": [0.5] * 3, "std": [0.5] * 3}


def test_what_we_write_is_ours(tmp_path: Path) -> None:
    write_weights(tmp_path / "a.safetensors", _STATE, _FACTS)
    write_madrylab(tmp_path / "a.pt", _STATE, _FACTS)
    assert is_ours(tmp_path / "a.safetensors")
    assert is_ours(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": _STATE, "args": {"data": "/home/ernst/photos"}},
        {"state_dict": _STATE, "rnst": "a word"},
        {"state_dict": {"rnst": torch.zeros(2)}},
        ["rnst"],
    ],
    ids=str,
)
@pytest.mark.parametrize("is_zip", [True, False])
def test_the_word_alone_does_not_make_it_ours(tmp_path: Path, content: object, is_zip: bool) -> None:  # noqa: FBT001
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=is_zip)
    assert not is_ours(tmp_path / "a.pt")


def test_files_of_others(tmp_path: Path) -> None:
    save_file(_STATE, tmp_path / "a.safetensors")
    (tmp_path / "text.pt").write_text("rnst" * 9)
    (tmp_path / "empty.pt").touch()
    assert not any(is_ours(path) for path in [*tmp_path.iterdir(), tmp_path / "none.pt", tmp_path])


def test_a_compressed_archive_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"rnst" * 1_000_000)
    read: list[str] = []
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda _self, name, *_: read.append(name))
    assert not is_ours(tmp_path / "a.pt")
    assert not read
