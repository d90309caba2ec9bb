from pathlib import Path
from typing import Any

import pytest
import torch

from rnst.data.digests import digest
from rnst.studies.evaluation.journal import Journal

_OF: dict[str, Any] = {"weights": "ab", "seed": 0}
_FIRST, _SECOND = digest(torch.tensor([1, 2])), digest(torch.tensor([3, 3]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "0"
    journal = Journal(path, _OF)
    journal.add(0, "PGD-20 0.5", _FIRST, [1, 0])
    journal.add(1, "PGD-20 0.5", _SECOND, [3, 3])
    return path


def test_found_again__by_batch_attack_and_photos(path: Path) -> None:
    journal = Journal(path, _OF)
    assert journal.find(0, "PGD-20 0.5", _FIRST) == [1, 0]
    assert journal.find(1, "PGD-20 0.5", _SECOND) == [3, 3]
    assert journal.find(0, "PGD-20 1.0", _FIRST) is None
    assert journal.find(2, "PGD-20 0.5", _FIRST) is None
    assert journal.find(0, "PGD-20 0.5", _SECOND) is None, "other photos"


def test_another_evaluation__finds_nothing_and_begins_anew(path: Path) -> None:
    other = Journal(path, {**_OF, "seed": 1})
    assert other.find(0, "PGD-20 0.5", _FIRST) is None
    other.add(0, "PGD-20 0.5", _FIRST, [0, 0])
    assert Journal(path, _OF).find(0, "PGD-20 0.5", _FIRST) is None
    assert Journal(path, {**_OF, "seed": 1}).find(0, "PGD-20 0.5", _FIRST) == [0, 0]


@pytest.mark.parametrize("end", [b"\n[", b"\n[1, 2", b"\n[1, 2, 3, 4, 5]\n", b"\nnull\n", b"\n{}\n"], ids=repr)
def test_what_a_crash_has_left__is_passed_over(end: bytes, path: Path) -> None:
    path.write_bytes(path.read_bytes() + end)
    journal = Journal(path, _OF)
    journal.add(2, "PGD-20 0.5", _SECOND, [4])
    again = Journal(path, _OF)
    assert [again.find(0, "PGD-20 0.5", _FIRST), again.find(2, "PGD-20 0.5", _SECOND)] == [[1, 0], [4]]


def test_a_folder_that_cannot_be_written__warns_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "0", _OF)
    journal.add(0, "a", _FIRST, [1])
    journal.add(1, "a", _FIRST, [1])
    assert len(caplog.records) == 1
    assert journal.find(0, "a", _FIRST) == [1]


def test_removed(path: Path) -> None:
    Journal(path, _OF).remove()
    Journal(path, _OF).remove()
    assert not path.exists()
