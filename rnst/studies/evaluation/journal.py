"""Answers of the batches that an evaluation has attacked, on disk: what is stopped goes on behind them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rnst.secondary import Secondary

Answers = list[int]


class Journal:
    """A file with a line for each batch and attack, which grows with the evaluation.

    A line that a crash has cut off is passed over, and so is one of another evaluation, or of other photos.

    Args:
        path: the file; each process has its own.
        evaluation: everything that the answers depend on, apart from the attack.
    """

    def __init__(self, path: Path, evaluation: Mapping[str, Any]) -> None:
        self._path = path
        self._evaluation = hashlib.sha256(json.dumps(evaluation, sort_keys=True).encode()).hexdigest()
        self._writing = Secondary(f"the state of the evaluation, {path},", "if it is stopped, it begins anew")
        self._known = {(batch, attack): (photos, found) for batch, attack, photos, found in self._read()}

    def find(self, batch: int, attack: str, photos: str) -> Answers | None:
        """Predictions of a batch under an attack; None if the attack is still to be run.

        Args:
            batch: number of the batch.
            attack: name of the attack.
            photos: digest of everything that the attack is given, see `rnst.data.digests`.
        """
        known, found = self._known.get((batch, attack), (None, None))
        return found if known == photos else None

    def add(self, batch: int, attack: str, photos: str, found: Answers) -> None:
        """Keep the predictions of a batch under an attack."""
        mode = "a" if self._known else "w"
        self._known[batch, attack] = photos, found
        with self._writing:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open(mode, encoding="utf-8") as file:
                file.write(f"\n{json.dumps([self._evaluation, batch, attack, photos, found])}\n")

    def remove(self) -> None:
        """The evaluation is complete."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> Iterator[tuple[int, str, str, Answers]]:
        lines: list[str] = []
        with suppress(OSError, UnicodeDecodeError):
            lines = self._path.read_text("utf-8").split("\n")
        for line in lines:
            with suppress(ValueError, TypeError):
                evaluation, batch, attack, photos, found = json.loads(line)
                if evaluation == self._evaluation:
                    yield int(batch), str(attack), str(photos), list(map(int, found))
