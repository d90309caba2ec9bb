"""Tables of metrics that runs left on disk."""

import csv
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from rnst.errors import UnreadableFileError

_VERSION = re.compile(r"version_(\d{1,9})$")

Row = dict[str, str]
Points = tuple[Sequence[float], Sequence[float]]
"""Positions and values of a curve."""


def read_rows(folder: Path, check: Callable[[Row], object] = lambda row: int(row["step"])) -> list[Row]:
    """Rows of all tables of one run; steps that a resumed run repeated replace the earlier ones.

    Args:
        folder: folder of the run; its tables are in `metrics`/version_N.
        check: raises ValueError, KeyError or TypeError for a row that is wrong.

    Raises:
        UnreadableFileError: a table is damaged, or a row is wrong.
    """
    found = {path: _VERSION.match(path.parent.name) for path in folder.glob("metrics/*/metrics.csv")}
    numbers = {path: int(match[1]) for path, match in found.items() if match is not None}
    rows: list[Row] = []
    for table in sorted(numbers, key=numbers.__getitem__):
        if new := _read_table(table, check):
            rows = [row for row in rows if int(row["step"]) < int(new[0]["step"])] + new
    return rows


def _read_table(path: Path, check: Callable[[Row], object]) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            check(row)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        reason = f"it has no column {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise UnreadableFileError(path, "the table of a training", f"{reason[:120]}; remove it") from error
    return rows


def curve_of(rows: Sequence[Row], name: str, by: str = "step") -> Points:
    """Finite values of one metric, by step or another column."""
    points = [(float(row[by]), float(row[name])) for row in rows if row.get(name) and row.get(by)]
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    return [x for x, _ in finite], [y for _, y in finite]
