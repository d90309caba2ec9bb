"""Files with random damage: nothing is executed, nothing hangs, and every refusal is one line of ours.

Run with `pytest -m slow tests/cases/test_mutated_files.py -s`, which prints the figures. Seeds are fixed. All files are
read in one process, with an alarm for each.
"""

import io
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from rnst.data.photos import decode_photo
from rnst.encoders.weights.files import read_weights
from rnst.errors import RnstError
from rnst.image.files import read_picture
from rnst.image.metadata import read_settings
from rnst.reporting.gallery.page import read_results
from rnst.results import Result
from rnst.stylization.state import State
from rnst.training.curves import learning_curves
from rnst.yaml_files import read_yaml

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="there is no alarm")]

_PICTURES, _OTHERS = 500, 300
_SECONDS = 10  # for one file


class _HangError(BaseException):
    """Not an Exception, so that no handler of ours takes it for a damaged file."""


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _mutated(content: bytes, chance: random.Random) -> bytes:
    """One of the ways in which files are damaged or forged."""
    data = bytearray(content)
    kind = chance.randrange(7)
    at = chance.randrange(len(data))
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        for _ in range(chance.randint(1, 40)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 2:  # the head, where sizes are
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(min(len(data), 64))] = chance.choice((0, 1, 127, 128, 255))
    elif kind == 3:
        data[at : at + chance.randint(1, 200)] = b""
    elif kind == 4:
        data[at:at] = chance.randbytes(chance.randint(1, 200))
    elif kind == 5:
        data[at : at + 8] = chance.choice((b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7))
    else:
        other = chance.randrange(len(data))
        data[at : at + 64] = data[other : other + 64]
    return bytes(data)


def _outcome(path: Path, read: Callable[[Path], object]) -> str:
    """How a reader takes a file; a text that begins with ! is what a user should never see."""
    try:
        with _alarm():
            read(path)
    except RnstError as error:
        lines = str(error).strip().splitlines()
        return "refused" if len(lines) == 1 else f"! {len(lines)} lines: {error}"
    except _HangError:
        return f"! hang: {path}"
    except Exception as error:  # noqa: BLE001 - a traceback for the user
        return f"! {type(error).__name__} of {read} for {path.name}: {error}"[:300]
    return "read"


def _pictures() -> dict[str, bytes]:
    image = Image.effect_noise((48, 40), 60).convert("RGB")
    image.paste((200, 30, 30), (0, 0, 20, 20))
    found = {}
    for name, options in (
        ("a.png", {}), ("p.png", {"transparency": (1, 2, 3)}), ("a.jpg", {"quality": 90}), ("e.jpg", {"exif": _exif()}),
        ("a.tif", {}), ("z.tif", {"compression": "tiff_deflate"}), ("l.tif", {"compression": "tiff_lzw"}),
        ("a.webp", {"quality": 80}), ("w.webp", {"lossless": True}),
    ):  # fmt: skip
        file = io.BytesIO()
        image.save(file, {"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper()), **options)
        found[name] = file.getvalue()
    return found


def _exif() -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x010E] = 6, '{"size": 3}'
    return tags.tobytes()


def test_mutated_pictures_are_read_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance, outcomes, sources = random.Random(0), Counter[str](), sorted(_pictures().items())  # noqa: S311
    for number in range(_PICTURES):
        name, content = sources[number % len(sources)]
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(_mutated(content, chance))
        outcomes.update(_outcome(path, read) for read in (read_picture, read_settings, decode_photo))
        path.unlink()
    with capsys.disabled():
        sys.stdout.write(f"\n{_PICTURES} pictures, three readers: {dict(outcomes)}\n")
    assert set(outcomes) == {"read", "refused"}


class _Shell:
    """What a hostile file does; the mutations keep some of it intact."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.mark,)


def _weights_and_records(folder: Path, mark: Path) -> dict[str, tuple[bytes, list[Callable[[Path], object]]]]:
    """Name -> content, and what reads it."""
    tensors = {"conv1.weight": torch.rand(4, 3, 3, 3), "bn1.running_var": torch.rand(4), "fc.bias": torch.rand(2)}
    made: dict[str, tuple[bytes, list[Callable[[Path], object]]]] = {}

    def add(name: str, readers: list[Callable[[Path], object]], write: Callable[[Path], object]) -> None:
        write(folder / name)
        made[name] = ((folder / name).read_bytes(), readers)

    facts = json.dumps({"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2], "architecture": "resnet18"})
    add("a.safetensors", [read_weights], lambda path: save_file(tensors, path, metadata={"rnst": facts}))
    add("zip.pt", [read_weights], lambda path: torch.save({"state_dict": tensors}, path))
    add("old.pt", [read_weights], lambda path: torch.save(tensors, path, _use_new_zipfile_serialization=False))
    add("evil.pt", [read_weights], lambda path: torch.save({"state_dict": tensors, "x": _Shell(mark)}, path))
    state = State(0, 3, {"best": {"image": torch.rand(1, 3, 4, 4)}}, {"size": 64}, {"style": 1.0}, 2.0)
    add("a.state.safetensors", [State.read], state.write)
    result = Result(folder / "b.png", "photo", ("painting",), "vgg19", {"size": 64}, 1.5, 9, {"total": 1.0})
    made["b.json"] = (result.write().read_bytes(), [Result.read, lambda path: read_results(path.parent, print)])
    add(
        "c.yaml",
        [read_yaml],
        lambda path: path.write_text("size: 64\nstyle: [a]\ngrid: {seed: [1], b: &x 3, c: *x}\n"),
    )
    table = "step,epoch,val/accuracy_clean\n1,0,0.5\n2,1,0.625\n"
    add("metrics.csv", [lambda path: learning_curves(path.parents[2])], lambda path: path.write_text(table))
    return made


def test_mutated_weights_and_records_are_read_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "executed"
    (tmp_path / "sources").mkdir()
    chance, outcomes = random.Random(1), Counter[str]()  # noqa: S311
    sources = sorted(_weights_and_records(tmp_path / "sources", mark).items())
    for number in range(_OTHERS):
        name, (content, readers) = sources[number % len(sources)]
        folder = tmp_path / str(number) / "metrics" / "version_0"
        folder.mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(folder / "b.png")
        (folder / name).write_bytes(_mutated(content, chance))
        outcomes.update(_outcome(folder / name, read) for read in readers)
        assert not mark.exists(), f"{name}, number {number}, was executed"
    capsys.readouterr()
    with capsys.disabled():
        sys.stdout.write(f"\n{_OTHERS} weight files and records: {dict(outcomes)}, executed: {mark.exists()}\n")
    assert set(outcomes) == {"read", "refused"}
