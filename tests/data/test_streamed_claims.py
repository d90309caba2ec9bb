"""Packed sets that claim more than they hold, or ask litdata for objects that rnst never packs."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnst.data.packing import pack
from rnst.data.photos import Preprocessing
from rnst.data.streamed import StreamedSource
from rnst.errors import UnreadableFileError

pytest.importorskip("litdata", reason="litdata is not installed; it is the extra streaming")

_WHOLE = Preprocessing(None, lambda photo: photo)


@pytest.fixture
def packed(make_photos: Callable[..., Path], tmp_path: Path) -> Path:
    pack(make_photos(), tmp_path / "packed")
    return tmp_path / "packed"


def _changed(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def _opened(packed: Path) -> None:
    StreamedSource(str(packed)).open("train", _WHOLE).decode(0)


def _module_of_a_default(config: dict[str, Any], module: str) -> None:
    """Ask for dictionaries whose default is made by a module of any name."""
    protocol, pair = json.loads(config["data_spec"])
    context = {"default_factory_module": module, "default_factory_name": "f", "dict_context": [0, 1]}
    wanted = {"type": "collections.defaultdict", "context": context, "children_spec": pair["children_spec"]}
    config["data_spec"] = json.dumps([protocol, wanted])


def test_an_index_imports_no_module(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "planted_module.py").write_text("def f(): return 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    index = packed / "train" / "index.json"
    _changed(index, lambda content: _module_of_a_default(content["config"], "planted_module"))
    with pytest.raises(UnreadableFileError, match="its data_spec asks for other objects"):
        _opened(packed)
    assert "planted_module" not in sys.modules


@pytest.mark.parametrize("spec", [None, 3, "", "[1, null]", "[" * 100_000])
def test_an_index_with_another_spec__is_refused(packed: Path, spec: object) -> None:
    _changed(packed / "train" / "index.json", lambda content: content["config"].update(data_spec=spec))
    with pytest.raises(UnreadableFileError, match="as the index of a packed data set") as told:
        _opened(packed)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [b'{"format": 1, "splits": {"tr\xe4in": []}}', b"[" * 100_000, b""])
def test_damaged_contents__one_line(packed: Path, content: bytes) -> None:
    (packed / "photos.json").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"photos\.json as a packed data set") as told:
        StreamedSource(str(packed)).prepare()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("index_too", [False, True])
def test_photos_that_are_not_there__are_not_counted_out(packed: Path, index_too: bool) -> None:  # noqa: FBT001
    count = 10**15  # a list of them fits into no memory
    _changed(packed / "photos.json", lambda content: content["splits"].update(train=[["n01", count]]))
    if index_too:
        _changed(packed / "train" / "index.json", lambda content: content["chunks"][0].update(chunk_size=count))
    with pytest.raises(UnreadableFileError, match="chunks are too small" if index_too else "it has 12 photos"):
        _opened(packed)


def test_an_endless_number_of_photos__is_refused(packed: Path) -> None:
    _changed(packed / "train" / "index.json", lambda content: content["chunks"][0].update(chunk_size=float("inf")))
    with pytest.raises(UnreadableFileError, match="incomplete"):
        _opened(packed)
