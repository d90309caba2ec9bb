"""Reads tables of metrics and TensorBoard files back, as (step, name) -> value."""

import csv
import struct
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

_LENGTH = struct.Struct("<QI")
_CHECKSUM = 4

Metrics = dict[tuple[int, str], float]


def metrics_of_table(path: Path) -> Metrics:
    """Entries of one metrics.csv."""
    with path.open(newline="", encoding="utf-8") as file:
        return {
            (int(row["step"]), name): float(value)
            for row in csv.DictReader(file)
            for name, value in row.items()
            if value and name != "step"
        }


def metrics_of_board(folder: Path) -> Metrics:
    """Numbers in the event files of one folder, which are in the precision of float32."""
    return {
        (event.step, value.tag): value.simple_value
        for event in _events(folder)
        for value in event.summary.value
        if value.WhichOneof("value") == "simple_value"
    }


def pictures_of_board(folder: Path) -> set[tuple[int, str]]:
    """Steps and names of the pictures in the event files of one folder."""
    return {
        (event.step, value.tag)
        for event in _events(folder)
        for value in event.summary.value
        if value.WhichOneof("value") == "image"
    }


def _events(folder: Path) -> Iterator[Any]:
    messages: Any = import_module("tensorboardX.proto.event_pb2")
    for path in sorted(folder.glob("events.*")):
        content, position = path.read_bytes(), 0
        while position < len(content):
            length, _ = _LENGTH.unpack_from(content, position)
            position += _LENGTH.size
            yield messages.Event.FromString(content[position : position + length])
            position += length + _CHECKSUM
