"""Frames that follow the motion of the photos, against frames stylized one by one."""

from pathlib import Path

import pytest
import torch
from rich.console import Console

from rnst.errors import InvalidValueError
from rnst.image.files import read_image, resize, write_image
from rnst.image.samples import find_picture
from rnst.results import Result
from rnst.stylization.inputs import read_inputs
from rnst.stylization.job import resolve
from rnst.stylization.sequence import following
from rnst.stylization.settings import StylizationSettings
from rnst.stylization.stylize import stylize_folder
from tests.motion.moving_scenes import Frames, flicker, pan, rotating

_SMALL, _LARGE = (72, 96), (192, 256)
_OPTIONS = {
    "supersample": 1.0,
    "steps": 12,
    "scales": 1,
    "encoder": "resnet18_robust",
    "style_layers": ["layer1", "layer2"],
    "content_layers": ["layer2"],
}


def _scene(name: str, size: tuple[int, int]) -> Frames:
    wider = size[0] + 28, size[1] + 54
    photo, other = (resize(read_image(find_picture(sample)), wider) for sample in ("chelsea", "coffee"))
    if name == "pan":
        return pan(photo, size, (4, 2), 3)
    return rotating(resize(other, size), photo[..., 14 : 14 + size[0], 27 : 27 + size[1]], 5.0, 3)


def _stylized(folder: Path, name: str, frames: Frames, **options: object) -> list[Result]:
    for number, (frame, _, _) in enumerate(frames):
        write_image(frame, folder / "frames" / f"{number}.png")
    given = {**_OPTIONS, "size": frames[0][0].shape[-1], **options}
    settings = StylizationSettings(content=str(folder / "frames"), output=folder / name, **given)  # type: ignore[arg-type]
    return stylize_folder(settings, console=Console(quiet=True))


# The classical flow of a smaller rotating object is off by half a pixel, which no weight makes up for.
@pytest.mark.parametrize(
    ("scene", "size"),
    [("pan", _SMALL), pytest.param("rotation", _LARGE, marks=pytest.mark.slow)],
    ids=["pan", "rotation"],
)
def test_flicker__is_at_most_a_third_of_that_frame_by_frame(scene: str, size: tuple[int, int], tmp_path: Path) -> None:
    frames = _scene(scene, size)
    alone = _stylized(tmp_path, "alone", frames)
    following = _stylized(tmp_path, "following", frames, sequence=True, flow="tvl1")
    found = [flicker([read_image(result.image) for result in results], frames) for results in (alone, following)]
    assert found[1] < found[0] / 3
    # It is still stylized: the first frame is the same, and the last as close to the style as one alone.
    assert torch.equal(read_image(alone[0].image), read_image(following[0].image))
    assert following[-1].losses["style"] < 1.5 * alone[-1].losses["style"]


def test_luminance__a_frame_follows_the_gray_of_the_last_one() -> None:
    """Photo and style are gray: a start in the colors of the photo would be far from both."""
    job = resolve(StylizationSettings(content="chelsea", style=["flow"], colors="luminance"))
    inputs = read_inputs(job.pictures, job.resolution)
    found = following(job, inputs, inputs.content, torch.rand(1, 3, 24, 32))
    assert found.previous is not None
    for image in (found.start, found.previous.stylized):
        assert torch.allclose(image, image[:, :1].expand_as(image), atol=1e-5)


def test_key_frames__those_between_take_few_steps_and_are_found_again(tmp_path: Path) -> None:
    frames, options = _scene("pan", _SMALL), {"sequence": True, "flow": "tvl1", "key_frames": 2, "steps": 16}
    first = _stylized(tmp_path, "keys", frames, **options)
    assert [result.settings["steps"] for result in first] == [16, 2, 16]
    written = [result.image.stat().st_mtime_ns for result in first]
    again = _stylized(tmp_path, "keys", frames, **options)
    assert [result.image.stat().st_mtime_ns for result in again] == written


def test_a_sequence_that_goes_on__is_that_of_one_run(tmp_path: Path) -> None:
    frames, options = _scene("pan", _SMALL), {"sequence": True, "flow": "still", "steps": 2}
    whole = [read_image(result.image) for result in _stylized(tmp_path, "whole", frames, **options)]
    parts = _stylized(tmp_path, "parts", frames, **options)
    for result in parts[1:]:
        result.image.unlink()
    again = [read_image(result.image) for result in _stylized(tmp_path, "parts", frames, **options)]
    assert all(torch.equal(one, other) for one, other in zip(again, whole, strict=True))


def test_a_frame_that_changes__is_followed_by_others(tmp_path: Path) -> None:
    frames, options = _scene("pan", _SMALL), {"sequence": True, "flow": "still", "steps": 2}
    _stylized(tmp_path, "changed", frames, **options)
    frames[1] = (1.0 - frames[1][0], *frames[1][1:])
    changed = _stylized(tmp_path, "changed", frames, **options)
    anew = _stylized(tmp_path, "anew", frames, **options)
    assert all(torch.equal(read_image(a.image), read_image(b.image)) for a, b in zip(changed, anew, strict=True))


@pytest.mark.parametrize("change", [{"flow": "tvl1"}, {"key_frames": 2}, {"sequence_weight": 1.0}], ids=str)
def test_options_of_sequences__need_one(change: dict[str, object]) -> None:
    with pytest.raises(InvalidValueError, match="without --sequence"):
        StylizationSettings(**change)  # type: ignore[arg-type]
    StylizationSettings(**change, content="clip.mp4", output=Path("new.mp4"))  # type: ignore[arg-type]
