"""What the image formats hold, by file extension. Imports no torch, so that `--help` is fast."""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from rnst.errors import InvalidValueError, MissingExtraError

QUALITY = 95
"""Default quality of JPEG, WebP, AVIF and HEIC, 1 to 100."""
LONGEST_SIDES = {
    ".png": 2**31 - 1,
    ".jpg": 65535,
    ".jpeg": 65535,
    ".webp": 16383,
    ".avif": 32768,  # what its decoder takes; the format itself holds more
    ".heic": 16384,  # what decoders of HEVC take
    ".tif": 2**31 - 1,
    ".tiff": 2**31 - 1,
}
"""File extension -> pixels of the longest side that the format holds."""
VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")
"""File extensions of videos that are read."""
_WRITTEN_VIDEOS = (".mp4", ".mov", ".mkv")


def is_video(name: Path | str) -> bool:
    """Whether a file is a video by its name."""
    return Path(name).suffix.lower() in VIDEOS


def check_video_format(path: Path) -> None:
    """Raise InvalidValueError unless a video can be written to `path`."""
    if path.suffix.lower() not in _WRITTEN_VIDEOS:
        wanted = f"a file name that ends in one of {', '.join(_WRITTEN_VIDEOS)}, as the content is a video"
        raise InvalidValueError("--output", str(path), wanted)


Depth = Literal["auto", 8, 16]
"""Bits of each channel in a file; auto is 16 for TIFF and 8 for other formats."""

MetadataLevel = Literal["none", "settings", "all"]
"""What a picture file holds beside the picture, its profile and its resolution: nothing more, the settings with author,
copyright and date of the photo, or the camera and exposure too."""

DEEP: Literal[16] = 16
_DEEP = (".png", ".tif", ".tiff")
_DEEP_BY_DEFAULT = (".tif", ".tiff")
_HEIC = ".heic"


def check_format(path: Path, long_side: int = 1, depth: Depth = "auto") -> None:
    """Refuse a file that could not be written.

    Args:
        path: of the file.
        long_side: of the picture, in pixels.
        depth: bits of each channel.

    Raises:
        InvalidValueError: its format is unknown, or cannot hold so many pixels or bits.
        MissingExtraError: its format needs an extra.
    """
    ending = path.suffix.lower()
    longest = LONGEST_SIDES.get(ending)
    if longest is None:
        raise InvalidValueError("output", str(path), f"a file name that ends in one of {', '.join(LONGEST_SIDES)}")
    if ending == _HEIC and find_spec("pillow_heif") is None:
        raise MissingExtraError(f"the HEIC picture {path}", "heic")
    if depth == DEEP and ending not in _DEEP:
        raise InvalidValueError("--depth", depth, f"8 for {path.name}: only .png and .tif hold 16 bits")
    if long_side > longest:
        if longest == max(LONGEST_SIDES.values()):
            raise InvalidValueError("--size", long_side, f"at most {longest} pixels, which no format exceeds")
        wanted = f"a .png or .tif for {long_side} pixels: this format holds at most {longest}"
        raise InvalidValueError("output", str(path), wanted)


def is_deep(path: Path, depth: Depth) -> bool:
    """Whether a file gets 16 bits for each channel, not 8."""
    return path.suffix.lower() in _DEEP_BY_DEFAULT if depth == "auto" else depth == DEEP
