"""Video files through PyAV: frames out of one, frames and sound into another.

A file is read through a file object, in the format that its name states; anything that it refers to, and any network
protocol, is refused.
"""

import itertools
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from torch import Tensor

from rnst.errors import MissingExtraError, RnstError, UnreadableFileError
from rnst.files import existing_file, written_aside
from rnst.image.files import to_bytes

MOST_FRAMES = 20_000  # a quarter of an hour; on any machine that is more than can be stylized
_MOST_PIXELS = 8192 * 4320
_PACKETS_PER_FRAME = 8  # more without a picture in them are no video
_FORMATS = {".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska", ".avi": "avi"}
_WRITTEN = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
_SIMPLE_SOUND = ("aac", "mp3", "ac3")  # what each of the formats that are written holds
_MARK = "rnst"  # in the comment of a video that was written here
_USUAL_RATE = Fraction(25)
_QUALITY = {"crf": "17", "preset": "medium"}
_BT709 = 1  # number of the standard, in ITU-T H.273
_COLORS = ("colorspace", "color_primaries", "color_trc")


class VideoError(RnstError):
    """A video could not be written."""


def frames_of(path: Path) -> Generator[np.ndarray[Any, np.dtype[np.uint8]], None, None]:
    """The frames of a video, each (H, W, 3), upright.

    Raises:
        MissingExtraError: PyAV is not installed.
        MissingPathError, UnreadableFileError: no video, a damaged one, or one that is too long or too large.
    """
    with _naming(path), _opened(path) as container:
        stream, count, empty = container.streams.video[0], 0, 0
        for packet in container.demux(stream):
            decoded = packet.decode()
            empty = 0 if decoded else empty + 1
            if empty > _PACKETS_PER_FRAME * MOST_FRAMES:
                raise UnreadableFileError(path, "a video", "it holds hardly any frames")
            for frame in decoded:
                count += 1
                if count > MOST_FRAMES or frame.width * frame.height > _MOST_PIXELS:
                    wanted = f"{MOST_FRAMES} frames of 8192 x 4320 pixels"
                    raise UnreadableFileError(path, "a video", f"it has more than {wanted}: cut it first")
                yield np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
        if count == 0:
            raise UnreadableFileError(path, "a video", "it holds no frames")


def rate_of(path: Path) -> Fraction:
    """Frames in a second.

    Raises:
        RnstError: see `frames_of`.
    """
    with _naming(path), _opened(path) as container:
        rate: Fraction | None = container.streams.video[0].average_rate
        return rate if rate else _USUAL_RATE


def is_video_of_ours(path: Path) -> bool:
    """Whether a video was written by `write_video`."""
    with suppress(RnstError), _opened(path) as container:
        return _MARK in (value for name, value in container.metadata.items() if name.lower() == "comment")
    return False


def write_video(frames: Iterable[Tensor], path: Path, rate: Fraction, sound: Path | None = None) -> str:
    """Write a video in H.264 with BT.709 colors, atomically.

    Args:
        frames: (1, 3, H, W) in [0, 1], all of one size; an odd last row or column is cut off.
        path: its extension sets the format.
        rate: frames in a second.
        sound: video whose sound is copied, if a player of the format knows it.

    Returns:
        What the user should know about the sound; "" if there is none, or if it was copied.

    Raises:
        MissingExtraError: PyAV is not installed.
        VideoError: it cannot be encoded.
    """
    av = _library()
    try:
        kind = _WRITTEN[path.suffix.lower()]
        with written_aside(path) as aside, aside.open("wb") as file, av.open(file, "w", format=kind) as output:
            output.metadata["comment"] = _MARK
            return _encode(output, iter(frames), rate, sound)
    except av.FFmpegError as error:
        raise VideoError(f"cannot write {path}: {_line(error)}") from error


def _encode(output: Any, frames: Iterator[Tensor], rate: Fraction, sound: Path | None) -> str:
    first = next(frames)
    stream = output.add_stream("libx264", rate=rate, options=_QUALITY)
    stream.width, stream.height = (first.shape[-1] // 2 * 2, first.shape[-2] // 2 * 2)
    stream.pix_fmt = "yuv420p"
    for name in _COLORS:
        setattr(stream.codec_context, name, _BT709)
    with _packets_of_sound(sound, output) as (packets, note):
        waiting = next(packets, None)
        for number, frame in enumerate(itertools.chain([first], frames)):
            for packet in stream.encode(_encodable(frame, stream)):
                output.mux(packet)
            while waiting is not None and waiting.pts * waiting.time_base <= number / rate:
                waiting = _muxed(waiting, output, packets)
        for packet in stream.encode():
            output.mux(packet)
        while waiting is not None and waiting.pts * waiting.time_base <= (number + 1) / rate:
            waiting = _muxed(waiting, output, packets)
    return note


def _muxed(packet: Any, output: Any, packets: Iterator[Any]) -> Any:
    output.mux(packet)
    return next(packets, None)


def _encodable(image: Tensor, stream: Any) -> Any:
    pixels = to_bytes(image)[: stream.height, : stream.width]
    frame = _library().VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709")


@contextmanager
def _packets_of_sound(path: Path | None, output: Any) -> Iterator[tuple[Iterator[Any], str]]:
    """Packets of the first stream of sound, addressed to the output; and a note where it is left out."""
    if path is None:
        yield iter(()), ""
        return
    with _opened(path) as container:
        streams = container.streams.audio
        if not streams:
            yield iter(()), ""
        elif streams[0].codec_context.name not in _SIMPLE_SOUND:
            yield iter(()), f"the sound, {streams[0].codec_context.name}, is left out: it is none of {_SIMPLE_SOUND}"
        else:
            target = output.add_stream_from_template(streams[0])
            yield _addressed(container, target, path), ""


def _addressed(container: Any, target: Any, path: Path) -> Iterator[Any]:
    packets = iter(container.demux(container.streams.audio[0]))
    while True:
        with _naming(path):
            packet = next(packets, None)
        if packet is None:
            return
        if packet.dts is not None and packet.pts is not None:
            packet.stream = target
            yield packet


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The container of a video file."""
    av = _library()
    with existing_file(path, "video", "Give the path of a video.").open("rb") as file:
        with _naming(path):
            container = av.open(file, format=_FORMATS.get(path.suffix.lower(), "mov"), io_open=_refuse)
        with container:
            if not container.streams.video:
                raise UnreadableFileError(path, "a video", "it holds no pictures")
            yield container


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of the library while it reads a file, in one line that names the file."""
    try:
        yield
    except (_library().FFmpegError, OSError, ValueError, ArithmeticError, LookupError, MemoryError) as error:
        raise UnreadableFileError(path, "a video", _line(error)) from error


def _refuse(url: str, flags: int, options: object) -> NoReturn:  # noqa: ARG001 - a signature of PyAV
    raise ValueError("it refers to another file")


def _library() -> Any:
    try:
        import av  # an extra, and half a second
    except ImportError as error:
        raise MissingExtraError("a video", "video") from error
    av.logging.set_level(None)
    return av


def _line(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return " ".join(reason.split()) or type(error).__name__
