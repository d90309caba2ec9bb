"""The whole way without a page: a draft, a larger one, a stop, a resumption, each made in this process."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tifffile
import torch
import yaml

from rnst.app.command_line import as_yaml, command_line
from rnst.app.request import Request
from rnst.app.workshop import AtWorkError, Workshop, make
from rnst.commands.stylize_options import options_in
from rnst.errors import InvalidValueError, MissingPathError, RnstError
from rnst.image.files import read_image, write_image
from rnst.stylization.job import Job, resolve
from rnst.stylization.live_state import LiveState
from rnst.stylization.record import earlier
from rnst.stylization.settings import StylizationSettings

_QUICK = "--steps 3 --scales 1"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("photo", "painting", "second"):
        write_image(
            torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(len(name))), folder / f"{name}.png"
        )
    write_image((torch.arange(64) < 20).float().expand(1, 3, 48, 64), folder / "mask.png")
    return folder


def _request(pictures: Path, **more: Any) -> Request:
    chosen = {"size": 64, "detail": 1.0, "words": _QUICK, "paintings": (str(pictures / "painting.png"),), **more}
    return Request(photo=str(pictures / "photo.png"), **chosen)


def _work(workshop: Workshop, watch: Callable[[LiveState], object] = LiveState.summary) -> None:
    """Make everything that waits, in this thread."""

    def made(job: Job, live: LiveState) -> Any:
        watch(live)
        result = make(job, live)
        if not workshop.jobs.seen().waiting:
            workshop.jobs.close()
        return result

    workshop.jobs._make = made
    workshop.jobs.work()


def _again(line: str) -> StylizationSettings:
    program, file, *words = shlex.split(line)
    assert (program, file) == ("python", "stylize.py")
    return StylizationSettings(**options_in(words))


def test_draft_larger_and_two_paintings(pictures: Path, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "out", options_in)
    draft = workshop.draft(_request(pictures))
    both = _request(
        pictures,
        paintings=(str(pictures / "painting.png"), str(pictures / "second.png")),
        shares=(1.0, 0.25),
        masks=(pictures / "mask.png",),
        strength=1.5,
        stroke=0.5,
        options={"colors": "luminance", "line_search": "false"},
    )
    second = workshop.picture(both)
    assert (draft.name, second.name) == ("photo--painting.png", "photo--painting+second.png")
    assert workshop.draft(_request(pictures)).name == "photo--painting-2.png"  # the first one only waits
    _work(workshop)
    assert workshop.jobs.seen().problem == ""
    made = {one.name: one for one in workshop.history()}
    assert set(made) == {"photo--painting.png", "photo--painting-2.png", "photo--painting+second.png"}
    first = made[draft.name]
    assert first.deep is not None
    deep = tifffile.imread(first.deep)
    assert deep.dtype == "uint16"
    rounded = torch.from_numpy(deep.astype("float32")).permute(2, 0, 1) / 65535.0 - read_image(first.result.image)[0]
    assert 0.0 < rounded.abs().max() < 0.51 / 255.0
    for one in made.values():  # the command and the YAML make the same picture, with few words
        line = command_line(one.result)
        assert earlier(resolve(_again(line))) is not None, line
        options = yaml.safe_load(as_yaml(one.result))
        again = StylizationSettings(**options, output=one.result.image)
        assert earlier(resolve(again)) is not None, options
        assert len(options) < 16
    assert "--seed" not in command_line(first.result)

    restarted = Workshop(tmp_path / "out", options_in)
    larger = restarted.larger(draft.name, 64, 1.0)
    _work(restarted)
    result = next(one.result for one in restarted.history() if one.name == larger.name)
    assert result.size == (128, 96)
    assert result.settings["init"] == str(draft)


def test_stopped__goes_on_where_it_was(pictures: Path, tmp_path: Path) -> None:
    request = _request(pictures, words="--steps 6 --scales 1")
    whole = Workshop(tmp_path / "whole", options_in)
    name = whole.picture(request).name
    _work(whole)
    stopped = Workshop(tmp_path / "stopped", options_in)
    stopped.picture(request)
    _work(stopped, lambda live: live.stop.set())  # after the first step
    (made,) = stopped.history()
    assert (made.result.finished, made.can_resume) == (False, True)
    going = Workshop(tmp_path / "stopped", options_in)
    going.go_on(name, request)
    with pytest.raises(AtWorkError):
        going.go_on(name, request)
    _work(going)
    (made,) = going.history()
    assert (made.result.finished, made.can_resume) == (True, False)
    assert torch.equal(read_image(made.result.image), read_image(whole.history()[0].result.image))
    again = Workshop(tmp_path / "stopped", options_in)
    more = again.go_on(name, _request(pictures, words="--steps 1 --scales 1"))
    _work(again)
    assert next(one for one in again.history() if one.name == more.name).result.settings["init"] == str(
        made.result.image
    )


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"words": "--steps 0"}, RnstError),
        ({"paintings": ("absent.png",)}, MissingPathError),
        ({"words": "--style_layers nowhere --encoder resnet51"}, RnstError),
        ({"masks": (Path("absent.png"),)}, None),
        ({"words": "--aspect 2"}, InvalidValueError),
    ],
)
def test_mistakes__are_found_at_once_and_queue_nothing(
    more: dict[str, Any], error: type[RnstError] | None, pictures: Path, tmp_path: Path
) -> None:
    workshop = Workshop(tmp_path, options_in)
    if error is None:  # found when the picture begins
        workshop.draft(_request(pictures, **more))
        return
    with pytest.raises(error):
        workshop.draft(_request(pictures, **more))
    assert workshop.jobs.seen().waiting == ()


def test_a_picture_whose_photo_is_gone__is_repeated_by_itself(pictures: Path, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "out", options_in)
    photo = tmp_path / "photo.png"
    photo.write_bytes((pictures / "photo.png").read_bytes())
    workshop.draft(Request(str(photo), (str(pictures / "painting.png"),), size=64, words="--steps 1"))
    _work(workshop)
    photo.unlink()
    (made,) = workshop.history()
    assert command_line(made.result) == f"python stylize.py --config {made.result.image}"
    assert yaml.safe_load(as_yaml(made.result))["content"] == "../photo.png"
    with pytest.raises(MissingPathError):
        Workshop(tmp_path / "out", options_in).larger(made.name, 512, 1.0)
