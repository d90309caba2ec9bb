"""The frames of a video: decoded into a folder of photos, and written as a video again once they are stylized."""

import contextlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from rich.console import Console

from rnst.encoders.weights.files import sha256_of
from rnst.errors import InvalidValueError, RnstError
from rnst.files import existing_file, read_json, write_json
from rnst.image.files import read_image, write_image
from rnst.motion.video import frames_of, is_video_of_ours, rate_of, write_video
from rnst.outputs import check_output, identified

_RECORD = "frames.json"


@dataclass(frozen=True)
class Clip:
    """A video to stylize, and the one that its stylized frames become.

    Attributes:
        video: the file that is read.
        output: the file that is written, with the rate and sound of the other.
        rate: frames per second.
    """

    video: Path
    output: Path
    rate: Fraction

    @property
    def folder(self) -> Path:
        """Folder of the frames."""
        return self.output.with_suffix(".frames")

    @property
    def photos(self) -> Path:
        """Folder of the decoded frames, as long as they are needed."""
        return self.folder / "content"

    @property
    def stylized(self) -> Path:
        """Folder of the stylized frames, which stay there."""
        return self.folder / "stylized"

    def decode(self, console: Console) -> None:
        """Write the frames as photos, unless an earlier run has done so.

        Raises:
            InvalidValueError: there is such a folder, and it is not of this video.
        """
        content = sha256_of(self.video)
        count = _recorded(self.folder, content)
        if count and len(list(self.photos.glob("*.png"))) == count:
            return
        console.print(f"decoding {self.video.name}", markup=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / _RECORD, {"sha256": content, "frames": 0})  # from now on the folder is ours
        shutil.rmtree(self.photos, ignore_errors=True)
        number = 0
        with contextlib.closing(frames_of(self.video)) as frames:
            for number, pixels in enumerate(frames, start=1):
                image = torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0).float() / 255.0
                write_image(image, self.photos / f"{number:06d}.png")
        write_json(self.folder / _RECORD, {"sha256": content, "frames": number})

    def encode(self, pictures: Iterable[Path]) -> str:
        """Write stylized frames as the output, and remove the photos; a note for the user, or ""."""
        note = write_video((read_image(path) for path in pictures), self.output, self.rate, self.video)
        shutil.rmtree(self.photos)
        return note


def open_clip(video: Path, output: Path) -> Clip:
    """A video to stylize, with an output that can be written.

    Raises:
        RnstError: there is no such video, it cannot be read, or the output would replace a file of the user.
    """
    existing_file(video, "video", "Give the path of a video.")
    check_output("--output", output, identified([("the content", video)]), is_video_of_ours)
    return Clip(video, output, rate_of(video))


def _recorded(folder: Path, content: str) -> int:
    """Number of frames that an earlier run has decoded into a folder; 0 if there is none or that run was stopped."""
    if not folder.exists():
        return 0
    try:
        record = read_json(folder / _RECORD, "the record of a video", "", dict)
    except RnstError as error:
        wanted = f"another name: {folder} exists, and is no folder of frames"
        raise InvalidValueError("--output", str(folder.with_suffix(".mp4")), wanted) from error
    if record.get("sha256") != content:
        wanted = f"another name: {folder} holds frames of another video; delete it if they are not needed"
        raise InvalidValueError("--output", str(folder.with_suffix(".mp4")), wanted)
    return int(record.get("frames", 0))
