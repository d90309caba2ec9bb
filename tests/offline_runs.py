"""Reads the file of an offline Weights & Biases run back: a LevelDB log of protocol buffers."""

import json
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

_messages: Any = import_module("wandb.proto.wandb_internal_pb2")  # made at run time, so without types

_FILE_HEADER, _RECORD_HEADER, _BLOCK = 7, 7, 1 << 15
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


@dataclass
class OfflineRun:
    """What a run told the tracker."""

    name: str = ""
    group: str = ""
    job_type: str = ""
    tags: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    finished: bool = False

    def column(self, name: str) -> list[Any]:
        """Values of one name, row by row."""
        return [row[name] for row in self.history if name in row]


def run_folders(folder: Path) -> list[Path]:
    """Folders of the offline runs below `folder`."""
    return sorted(folder.rglob("offline-run-*"))


def read_run(folder: Path, seconds: float = 60.0) -> OfflineRun:
    """Contents of one run. A process of its own writes the file, so wait until the record of the end is in it."""
    (path,) = folder.glob("*.wandb")
    until = time.monotonic() + seconds
    while True:
        run = _parsed(path.read_bytes())
        if run.finished or time.monotonic() > until:
            return run
        time.sleep(0.1)


def _parsed(content: bytes) -> OfflineRun:
    run = OfflineRun()
    for payload in _payloads(content):
        record = _messages.Record.FromString(payload)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run.name, run.group = record.run.display_name, record.run.run_group
            run.job_type, run.tags = record.run.job_type, tuple(record.run.tags)
            run.config |= _values(record.run.config.update)
        elif kind == "config":
            run.config |= _values(record.config.update)
        elif kind == "history":
            run.history.append(_values(record.history.item))
        elif kind == "summary":
            run.summary |= _values(record.summary.update)
        elif kind == "exit":
            run.finished = True
    return run


def _values(items: Iterable[Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in items:
        *above, name = list(item.nested_key) or [item.key]
        place = values
        for key in above:
            place = place.setdefault(key, {})
        place[name] = json.loads(item.value_json)
    return values


def _payloads(content: bytes) -> Iterator[bytes]:
    """Records in the order of the file; one that is still being written ends it."""
    assert content[:4] == b":W&B"
    position, parts = _FILE_HEADER, b""
    while position + _RECORD_HEADER <= len(content):
        left = _BLOCK - position % _BLOCK
        if left < _RECORD_HEADER:
            position += left  # the rest of a block that is too short for a header is padding
            continue
        _, length, kind = struct.unpack_from("<IHB", content, position)
        start, position = position + _RECORD_HEADER, position + _RECORD_HEADER + length
        if kind not in {_FULL, _FIRST, _MIDDLE, _LAST} or position > len(content):
            return
        parts = content[start:position] if kind in {_FULL, _FIRST} else parts + content[start:position]
        if kind in {_FULL, _LAST}:
            yield parts
