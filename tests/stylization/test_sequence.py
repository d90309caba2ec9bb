"""Frames that follow the motion of the photos, against frames stylized one by one."""

from pathlib import Path

import pytest
import torch
from rich.console import Console

from rnst.errors import InvalidValueError
from rnst.image.files import read_image, resize, write_image
from rnst.image.samples import find_picture
from rnst.results import Result
from rnst.stylization.folder import stylize_folder
from rnst.stylization.settings import StylizationSettings
from tests.motion.moving_scenes import Frames, flicker, pan, rotating

_SIZE = (72, 96)
_OPTIONS = {
    "size": 96,
    "supersample": 1.0,
    "steps": 8,
    "scales": 1,
    "encoder": "resnet18_robust",
    "style_layers": ["layer1", "layer2"],
    "content_layers": ["layer2"],
}


def _scene(name: str) -> Frames:
    photo, other = (resize(read_image(find_picture(sample)), (100, 150)) for sample in ("chelsea", "coffee"))
    if name == "pan":
        return pan(photo, _SIZE, (4, 2), 3)
    return rotating(resize(other, _SIZE), photo[..., 14:86, 27:123], 5.0, 3)


def _stylized(folder: Path, name: str, frames: Frames, **options: object) -> list[Result]:
    for number, (frame, _, _) in enumerate(frames):
        write_image(frame, folder / "frames" / f"{number}.png")
    settings = StylizationSettings(content=str(folder / "frames"), output=folder / name, **{**_OPTIONS, **options})  # type: ignore[arg-type]
    return stylize_folder(settings, console=Console(quiet=True))


# The classical flow of so small a rotating object is off by half a pixel, which no weight makes up for.
@pytest.mark.parametrize(("scene", "share"), [("pan", 1 / 3), ("rotation", 1 / 2)])
def test_flicker__is_a_fraction_of_that_frame_by_frame(scene: str, share: float, tmp_path: Path) -> None:
    frames = _scene(scene)
    alone = _stylized(tmp_path, "alone", frames)
    following = _stylized(tmp_path, "following", frames, sequence=True, flow="tvl1", sequence_weight=1000.0)
    found = [flicker([read_image(result.image) for result in results], frames) for results in (alone, following)]
    assert found[1] < share * found[0]
    # It is still stylized: the first frame is the same, and the last as close to the style as one alone.
    assert torch.equal(read_image(alone[0].image), read_image(following[0].image))
    assert following[-1].losses["style"] < 2 * alone[-1].losses["style"]


def test_key_frames__those_between_take_few_steps_and_are_found_again(tmp_path: Path) -> None:
    frames, options = _scene("pan"), {"sequence": True, "flow": "tvl1", "key_frames": 2, "steps": 16}
    first = _stylized(tmp_path, "keys", frames, **options)
    assert [result.settings["steps"] for result in first] == [16, 2, 16]
    written = [result.image.stat().st_mtime_ns for result in first]
    again = _stylized(tmp_path, "keys", frames, **options)
    assert [result.image.stat().st_mtime_ns for result in again] == written


@pytest.mark.parametrize("change", [{"flow": "tvl1"}, {"key_frames": 2}, {"sequence_weight": 1.0}], ids=str)
def test_options_of_sequences__need_one(change: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match="without --sequence"):
        StylizationSettings(**change)  # type: ignore[arg-type]
    StylizationSettings(**change, content="clip.mp4", output=Path("new.mp4"))  # type: ignore[arg-type]
