"""Kinds AC and C1: a terminal that is gone, or a character that it does not have, never ends the work."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest

from rnst.cli import main, stylize
from rnst.image.files import read_image
from tests.cases.program import arguments, exit_status, pictures

pytestmark = pytest.mark.usefixtures("photo_and_painting")


def _full() -> TextIO:
    return Path("/dev/full").open("w", encoding="utf-8", buffering=1)


def _without_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", buffering=1)


def _closed() -> TextIO:
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    return stream


def _none() -> None:
    """`>&-`: Python then has no stream."""


_LOST = [_full, _without_reader, _closed, _none]


Lose = Callable[[str, TextIO | None], None]


@pytest.fixture
def lose() -> Iterator[Lose]:
    """A function that puts another stream in the place of a standard one, and closes it in the end."""
    lost = list[TextIO]()
    before = sys.stdout, sys.stderr

    def replace(name: str, stream: TextIO | None) -> None:
        setattr(sys, name, stream)
        lost.extend([stream] if stream is not None else [])

    yield replace
    sys.stdout, sys.stderr = before
    for stream in lost:
        stream.close()


@pytest.mark.parametrize("lost", _LOST, ids=lambda lost: lost.__name__)
@pytest.mark.parametrize("names", [("stderr",), ("stdout", "stderr")], ids="+".join)
def test_the_picture_is_finished(lost: Callable[[], TextIO | None], names: tuple[str, ...], lose: Lose) -> None:
    """AC: on a full disk, in a pipe whose reader has gone, closed."""
    for name in names:
        lose(name, lost())
    status = exit_status(stylize, arguments())
    assert read_image(Path("out.png")).shape[1] == 3
    assert Path("out.json").is_file()
    assert status == (2 if lost is _full and "stdout" in names else 0)


def test_standard_output_on_a_full_disk_is_reported(lose: Lose, capsys: pytest.CaptureFixture[str]) -> None:
    """AC: otherwise an empty list would look like an answer."""
    lose("stdout", _full())
    assert exit_status(main, ["models"]) == 2
    assert "error: standard output cannot be written: No space left on device" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(lose: Lose) -> None:
    """AC: `rnst models | head -1`."""
    lose("stdout", _without_reader())
    assert exit_status(main, ["models"]) == 0


@pytest.mark.parametrize(("name", "shown"), [("日本.png", r"\u65e5\u672c.png"), ("out.png", "out.png")])
def test_names_that_the_terminal_cannot_show(name: str, shown: str, lose: Lose) -> None:
    """C1: they are escaped."""
    content = io.BytesIO()
    lose("stdout", io.TextIOWrapper(content, encoding="ascii", write_through=True))
    assert exit_status(stylize, arguments(output=name)) == 0
    assert content.getvalue().decode("ascii").startswith(f"{shown}: 32 x 24 pixels")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_are_not_text(lose: Lose) -> None:
    """C1: a photo of a folder whose name is no UTF-8."""
    pictures(Path(), "photos/a.png")
    Path("photos/a.png").rename(os.fsdecode(b"photos/caf\xe9.png"))
    content = io.BytesIO()
    lose("stdout", io.TextIOWrapper(content, encoding="utf-8", write_through=True))
    assert exit_status(stylize, arguments(content="photos", output="done")) == 0
    assert Path(os.fsdecode(b"done/caf\xe9.png")).is_file()
    assert content.getvalue().startswith(b"done/caf\\udce9.png: ")
