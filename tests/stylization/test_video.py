from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from rnst.errors import InvalidValueError
from rnst.image.files import write_image
from rnst.motion.video import frames_of, rate_of, write_video
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize_video

pytest.importorskip("av", reason="PyAV is not installed; it is in the extra video")

_TINY: dict[str, Any] = {
    "size": 32,
    "supersample": 1.0,
    "steps": 2,
    "scales": 1,
    "encoder": "resnet18",
    "weights": "random",
    "style_layers": ["stem", "layer1"],
    "content_layers": ["layer1"],
    "precision": "fp32",
    "flow": "tvl1",
    "console": Console(quiet=True),
}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    photo = torch.rand(1, 3, 12, 16).repeat_interleave(4, -1).repeat_interleave(4, -2)
    path = tmp_path / "clip.mp4"
    write_video([photo.roll(number, -1) for number in range(3)], path, Fraction(12))
    return path


def test_video__to_video_and_only_missing_frames_again(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "new.mp4"
    results = stylize_video(content=str(clip), output=output, **_TINY)
    assert [frame.shape for frame in frames_of(output)] == [(24, 32, 3)] * 3
    assert rate_of(output) == 12
    assert [result.settings["sequence"] for result in results] == [True] * 3
    folder = tmp_path / "new.frames"
    assert sorted(path.name for path in folder.iterdir()) == ["frames.json", "stylized"]
    times = [result.image.stat().st_mtime_ns for result in results]
    results[2].image.unlink()
    output.unlink()
    again = stylize_video(content=str(clip), output=output, **_TINY)
    assert [result.image.stat().st_mtime_ns == time for result, time in zip(again, times, strict=True)] == [
        True,
        True,
        False,
    ]
    assert output.is_file()


def test_output__replaces_no_video_of_the_user(clip: Path, tmp_path: Path) -> None:
    before = clip.read_bytes()
    with pytest.raises(InvalidValueError, match="which it would replace"):
        stylize_video(content=str(clip), output=clip, **_TINY)
    other = tmp_path / "other.mp4"
    other.write_bytes(before.replace(b"rnst", b"mine"))
    with pytest.raises(InvalidValueError, match="was not written by rnst"):
        stylize_video(content=str(clip), output=other, **_TINY)
    folder = tmp_path / "new.frames"
    write_image(torch.rand(1, 3, 8, 8), folder / "content" / "mine.png")
    with pytest.raises(InvalidValueError, match="no folder of frames"):
        stylize_video(content=str(clip), output=tmp_path / "new.mp4", **_TINY)
    assert (folder / "content" / "mine.png").is_file()
    assert clip.read_bytes() == before


def test_output__must_be_a_video() -> None:
    with pytest.raises(InvalidValueError, match=r"\.mp4"):
        StylizationSettings(content="clip.mp4", output=Path("new.png"))
    assert StylizationSettings(content="clip.mp4").output.suffix == ".mp4"
    with pytest.raises(InvalidValueError):
        StylizationSettings(output=Path("new.mp4"))
