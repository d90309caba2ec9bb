"""A device that runs out of memory is simulated by a network that refuses large images, as an allocator would."""

from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from rnst import cli
from rnst.encoders.encoder import Encoder
from rnst.errors import MemoryExhaustedError, is_out_of_memory
from rnst.image.files import read_image, write_image
from rnst.results import Result
from rnst.stylization.picture import StoppedError
from rnst.stylization.stylize import stylize
from tests.fake_device_runs import tiny_settings

_QUIET = Console(quiet=True)
_FITS = 96 * 64  # pixels


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "waves"):
        write_image(torch.rand(1, 3, 96, 128), Path(f"{name}.png"))


def _settings(**options: Any) -> Any:
    layers = {"style_layers": ["stem"], "content_layers": ["stem"]}
    return tiny_settings(**{"size": 128, "steps": 2, "save_every": 0, "margin": 0, "tile": 0, **layers, **options})


def _limit(monkeypatch: pytest.MonkeyPatch, pixels: int, after: int = 0) -> list[int]:
    """Let the network fail for larger images, once it has run so often; returns the sizes that it got."""
    forward, seen = Encoder.forward, list[int]()
    monkeypatch.setattr("rnst.stylization.picture.estimate", lambda *_: _Nothing())
    monkeypatch.setattr("rnst.stylization.picture.summary", lambda *_: "")

    def limited(encoder: Encoder, images: torch.Tensor, *rest: Any) -> dict[str, torch.Tensor]:
        if type(images) is not torch.Tensor or images.is_meta:  # a probe, which takes no memory
            return forward(encoder, images, *rest)
        seen.append(images.shape[-2] * images.shape[-1])
        if seen[-1] > pixels and len(seen) > after:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return forward(encoder, images, *rest)

    monkeypatch.setattr(Encoder, "forward", limited)
    return seen


class _Nothing:
    def check(self, size: tuple[int, int], chosen: int) -> None:
        """Everything fits."""


def test_smaller_tiles_finish_the_picture(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    whole = stylize(_settings(output=Path("whole.png")), console=_QUIET).image
    seen = _limit(monkeypatch, _FITS)
    found = stylize(_settings(), console=_QUIET)
    assert found.result.finished
    assert found.result.settings["tile"] != 0
    assert 0 < min(seen) <= _FITS < max(seen)
    assert (found.image - whole).abs().max() < 2 / 255, "the same but for rounding"
    assert "out of memory: this size is begun anew, in smaller tiles" in caplog.text


def test_what_fits_nowhere_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    _limit(monkeypatch, 10)
    with pytest.raises(MemoryExhaustedError, match=r"^out of memory\. Lower --memory, --tile or --size"):
        stylize(_settings(), console=_QUIET)


def test_the_best_picture_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory runs out after some evaluations, and in tiles, too."""
    _limit(monkeypatch, 10, after=6)
    with pytest.raises(StoppedError, match=r"out of memory.*new/out.png is the best picture so far"):
        stylize(_settings(steps=8, shifts=1), console=_QUIET)
    assert not Result.read(Path("new/out.json")).finished
    assert read_image(Path("new/out.png")).shape == (1, 3, 96, 128)


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"),
            True,
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (MemoryError(), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_is_out_of_memory(error: Exception, *, is_one: bool) -> None:
    assert is_out_of_memory(error) == is_one


@pytest.mark.parametrize(
    ("command", "option"),
    [("stylize", "--memory, --tile or --size"), ("train", "--data.batch_size"), ("evaluate", "--batch_size")],
)
def test_every_command_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, option: str
) -> None:
    def exhausted(_words: list[str]) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(f"rnst.commands.{command}.run", exhausted)
    with pytest.raises(SystemExit) as stopped:
        cli.main([command])
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: out of memory. Lower ")
    assert option in message
    assert message.count("\n") == 1
