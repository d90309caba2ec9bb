"""Tables of metrics that runs left on disk."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, str]
Points = tuple[Sequence[float], Sequence[float]]
"""Positions and values of a curve."""


def read_rows(folder: Path) -> list[Row]:
    """Rows of all tables of one run; steps that a resumed run repeated replace the earlier ones.

    Args:
        folder: folder of the run; its tables are in `metrics`/version_N.
    """
    tables = sorted(folder.glob("metrics/version_*/metrics.csv"), key=lambda path: int(path.parent.name.split("_")[1]))
    rows: list[Row] = []
    for table in tables:
        with table.open(newline="", encoding="utf-8") as file:
            new = list(csv.DictReader(file))
        if new:
            first = int(new[0]["step"])
            rows = [row for row in rows if int(row["step"]) < first] + new
    return rows


def curve_of(rows: Sequence[Row], name: str, by: str = "step") -> Points:
    """Finite values of one metric, by step or another column."""
    points = [(float(row[by]), float(row[name])) for row in rows if row.get(name) and row.get(by)]
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    return [x for x, _ in finite], [y for _, y in finite]
