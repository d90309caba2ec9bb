"""A video, stylized: its frames become a sequence of pictures beside the output, and those become a video."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor

from rnst.encoders.weights.files import sha256_of
from rnst.errors import InvalidValueError, RnstError
from rnst.files import existing_file, read_json, write_json
from rnst.image.files import read_image, write_image
from rnst.motion.video import frames_of, is_video_of_ours, rate_of, write_video
from rnst.outputs import check_output, identified
from rnst.results import Result
from rnst.stylization.folder import stylize_folder
from rnst.stylization.output_names import named_by
from rnst.stylization.progress import OnStep
from rnst.stylization.settings import StylizationSettings

_RECORD, _PHOTOS, _STYLIZED = "frames.json", "content", "stylized"


def stylize_video(
    settings: StylizationSettings | None = None,
    *,
    console: Console | None = None,
    on_step: OnStep | None = None,
    **options: Any,
) -> list[Result]:
    """Stylize the frames of a video as a sequence, and write them as a video with its rate and sound.

    The frames are pictures in a folder beside the output, which ends in .frames. A repeated command stylizes only
    those that are missing. The stylized ones stay there.

    Args:
        settings: see `rnst.stylization.stylize.stylize`; the content is a video, and so is the output.
        console: see there.
        on_step: see there.
        options: see there.

    Returns:
        The results of the frames.

    Raises:
        RnstError: a mistake in the input, before any work is done; or single frames failed.
        KeyboardInterrupt: stopped; finished frames are kept.
    """
    settings = (settings or StylizationSettings()).replaced(**options)
    console = console or Console(stderr=True)
    video, output = Path(settings.content), named_by(settings.output, settings.as_dict())
    existing_file(video, "video", "Give the path of a video.")
    check_output("--output", output, identified([("the content", video)]), is_video_of_ours)
    rate, folder = rate_of(video), output.with_suffix(".frames")
    photos = _photos(video, folder, console)
    frames = settings.replaced(content=str(photos), output=folder / _STYLIZED, sequence=settings.is_sequence)
    results = stylize_folder(frames, console=console, on_step=on_step)
    note = write_video(_pictures(results), output, rate, video)
    shutil.rmtree(photos)
    if note:
        console.print(note, markup=False)
    console.print(f"{output}: {len(results)} frames, {float(rate):g} per second", markup=False)
    return results


def _pictures(results: list[Result]) -> Iterator[Tensor]:
    return (read_image(result.image) for result in results)


def _photos(video: Path, folder: Path, console: Console) -> Path:
    """The folder of the frames of a video, decoded unless an earlier run has done so.

    Raises:
        InvalidValueError: there is such a folder, and it is not of this video.
    """
    photos, content = folder / _PHOTOS, sha256_of(video)
    count = _recorded(folder, content)
    if count and len(list(photos.glob("*.png"))) == count:
        return photos
    console.print(f"decoding {video.name}", markup=False)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / _RECORD, {"sha256": content, "frames": 0})  # from now on the folder is ours
    shutil.rmtree(photos, ignore_errors=True)
    number = 0
    with contextlib.closing(frames_of(video)) as frames:
        for number, pixels in enumerate(frames, start=1):
            image = torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0).float() / 255.0
            write_image(image, photos / f"{number:06d}.png")
    write_json(folder / _RECORD, {"sha256": content, "frames": number})
    return photos


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
