from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnst.errors import MissingPathError, RnstError, UnreadableFileError
from rnst.motion import video
from rnst.motion.video import frames_of, is_video_of_ours, rate_of, write_video

av: Any = pytest.importorskip("av", reason="PyAV is not installed; it is in the extra video")
_RATE = Fraction(30000, 1001)


def _clip(path: Path, *, sound: str = "", count: int = 6) -> Path:
    """A video whose left half is red, and whose right half gets lighter, with a second of silence."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        streams = [stream]
        if sound:
            streams.append(output.add_stream(sound, rate=44100))
        for number in range(count):
            pixels = np.full((48, 64, 3), 30 * number, np.uint8)
            pixels[:, :32] = (200, 30, 30)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        for number in range(40 if sound else 0):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.int16), format="s16", layout="stereo")
            frame.rate, frame.pts = 44100, 1024 * number
            for resampled in av.AudioResampler(streams[1].format.name, "stereo", 44100).resample(frame):
                resampled.pts = 1024 * number
                output.mux(streams[1].encode(resampled))
        for each in streams:
            output.mux(each.encode())
    return path


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
def test_round_trip__frames_colors_rate_and_mark(ending: str, tmp_path: Path) -> None:
    image = torch.zeros(1, 3, 33, 48)
    image[:, 0], image[:, 1, :, 24:], image[:, 2] = 0.8, 0.6, 0.2
    path = tmp_path / f"new{ending}"
    assert write_video([image] * 4, path, _RATE) == ""
    frames = list(frames_of(path))
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 4
    expected = (image[0, :, :32].permute(1, 2, 0) * 255).numpy()
    inner = (slice(4, -4), [*range(4, 20), *range(28, 44)])
    assert np.abs(frames[3][inner] - expected[inner]).max() < 5
    assert rate_of(path) == _RATE
    assert is_video_of_ours(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("sound", "copied"), [("aac", True), ("flac", False), ("", False)])
def test_sound__is_copied_if_it_is_simple(sound: str, copied: bool, tmp_path: Path) -> None:  # noqa: FBT001
    clip = _clip(tmp_path / "clip.mkv", sound=sound)
    note = write_video([torch.rand(1, 3, 48, 64)] * 6, tmp_path / "new.mp4", _RATE, clip)
    with av.open(str(tmp_path / "new.mp4")) as container:
        assert len(container.streams.audio) == copied
        if copied:
            seconds = sum(packet.duration or 0 for packet in container.demux(container.streams.audio[0])) / 44100
            assert 0.1 < seconds < 0.3  # as long as the six frames
    assert ("flac" in note) == (sound == "flac")


def test_rotated__frames_are_upright(tmp_path: Path) -> None:
    clip = _clip(tmp_path / "clip.mp4")
    content = clip.read_bytes()
    # The matrix of a track, rotation by 90 degrees clockwise: as phones write it.
    straight = b"".join(number.to_bytes(4, "big") for number in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))
    turned = b"".join(
        (number % 2**32).to_bytes(4, "big") for number in (0, 0x10000, 0, -0x10000, 0, 0, 48 << 16, 0, 0x40000000)
    )
    at = content.index(straight, content.index(b"tkhd"))
    clip.write_bytes(content[:at] + turned + content[at + len(turned) :])
    (frame, *_) = frames_of(clip)
    assert frame.shape == (64, 48, 3)
    assert (frame[:28, :, 0] > 150).all()  # what was left is now at the top
    assert (frame[36:, :, 0] < 50).all()


def test_broken_files__one_line(tmp_path: Path) -> None:
    content, generator = _clip(tmp_path / "clip.mp4").read_bytes(), np.random.default_rng(0)
    broken = [content[: len(content) * part // 8] for part in range(8)]
    for _ in range(30):
        changed = bytearray(content)
        for place in generator.integers(0, len(content), 25):
            changed[place] = generator.integers(256)
        broken.append(bytes(changed))
    lines = []
    for number, each in enumerate(broken):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(each)
        try:
            assert len([*frames_of(path)]) <= 6
            rate_of(path)
        except UnreadableFileError as error:
            lines.append((path.name, str(error)))
    assert len(lines) >= 8
    assert all("\n" not in line and name in line for name, line in lines)


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".avi", ".webm"])
def test_playlists__are_not_followed(ending: str, tmp_path: Path) -> None:
    _clip(tmp_path / "clip.mp4")
    for text in (f"#EXTM3U\n#EXTINF:1,\nfile://{tmp_path}/clip.mp4\n", "ffconcat version 1.0\nfile clip.mp4\n"):
        path = tmp_path / f"list{ending}"
        path.write_text(text)
        with pytest.raises(UnreadableFileError):
            list(frames_of(path))


def test_limits__of_frames_and_of_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "MOST_FRAMES", 3)
    frames = frames_of(_clip(tmp_path / "clip.mp4"))
    with pytest.raises(UnreadableFileError, match="more than 3 frames"):
        list(frames)
    with pytest.raises(MissingPathError):
        list(frames_of(tmp_path / "absent.mp4"))
    with av.open(str(tmp_path / "sound.mp4"), "w") as output:
        stream = output.add_stream("aac", rate=44100)
        output.mux(stream.encode())
    with pytest.raises(RnstError, match=r"no pictures|sound\.mp4"):
        list(frames_of(tmp_path / "sound.mp4"))


def test_without_the_extra__one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(RnstError, match=r"uv run --extra video") as caught:
        list(frames_of(tmp_path / "clip.mp4"))
    assert "\n" not in str(caught.value)


def test_a_failed_write__leaves_nothing(tmp_path: Path) -> None:
    def frames() -> Iterator[torch.Tensor]:
        yield torch.rand(1, 3, 48, 64)
        raise UnreadableFileError("2.png", "a picture", "it is damaged")

    with pytest.raises(UnreadableFileError, match=r"2\.png"):
        write_video(frames(), tmp_path / "new.mp4", _RATE)
    assert list(tmp_path.iterdir()) == []
    assert not is_video_of_ours(tmp_path / "new.mp4")
