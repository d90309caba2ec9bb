from pathlib import Path

import pytest
import torch

from rnst.app.workshop import Workshop
from rnst.commands.stylize_options import options_in
from rnst.image.files import write_image
from rnst.results import Result

gradio = pytest.importorskip("gradio", reason="gradio is not installed; it is the extra app")

from rnst.app.actions import Actions, reported  # noqa: E402 - needs gradio


def _make(folder: Path, name: str) -> Path:
    write_image(torch.rand(1, 3, 6, 8), folder / name)
    Result(folder / name, "a", ("b",), "e", {"size": 8}, 65.0, 1, {}, size=(8, 6), finished=True).write()
    return folder / name


def test_a_damaged_picture__hides_no_other(tmp_path: Path) -> None:
    whole, damaged = _make(tmp_path, "whole.png"), _make(tmp_path, "damaged.png")
    damaged.write_bytes(damaged.read_bytes()[:40])
    answered = Actions(Workshop(tmp_path, options_in), []).tick(-1, "")
    assert [title for _, title in answered[3]] == [whole.stem]


@pytest.mark.parametrize("error", [SystemExit(0), OSError("no space")], ids=str)
def test_what_an_action_raises__is_a_line_on_the_page(error: BaseException) -> None:
    def action() -> None:
        raise error

    with pytest.raises(gradio.Error):
        reported(action)()
