"""Limits of the image formats, by file extension. Imports no torch, so that `--help` is fast."""

from pathlib import Path

from rnst.errors import InvalidValueError

QUALITY = 95
"""Default quality of JPEG and WebP, 1 to 100."""
LONGEST_SIDES = {
    ".png": 2**31 - 1,
    ".jpg": 65535,
    ".jpeg": 65535,
    ".webp": 16383,
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


def check_format(path: Path, long_side: int = 1) -> None:
    """Raise InvalidValueError unless the format of `path` can be written with `long_side` pixels on a side."""
    longest = LONGEST_SIDES.get(path.suffix.lower())
    if longest is None:
        raise InvalidValueError("output", str(path), f"a file name that ends in one of {', '.join(LONGEST_SIDES)}")
    if long_side > longest:
        if longest == max(LONGEST_SIDES.values()):
            raise InvalidValueError("--size", long_side, f"at most {longest} pixels, which no format exceeds")
        wanted = f"a .png or .tif for {long_side} pixels: this format holds at most {longest}"
        raise InvalidValueError("output", str(path), wanted)
