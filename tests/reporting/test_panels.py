from pathlib import Path

import torch
from torch import Tensor

from rnst.image.files import read_image
from rnst.reporting.panels import Panel, bar_panels, curve_panels

_BLUE, _ORANGE = (torch.tensor(color).view(3, 1, 1) / 255 for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)))


def _pixels(picture: Tensor, color: Tensor) -> int:
    return int(((picture[0] - color).abs().amax(0) < 0.02).sum())


def test_curve_panels__one_color_for_a_name_wherever_it_is(tmp_path: Path) -> None:
    first = Panel("a", "depth", "change", {"one": ([0, 1], [0.1, 1.0]), "two": ([0, 1], [0.2, 0.4])}, log=True)
    second = Panel("b", "depth", "entropy", {"two": ([0, 1], [0.2, 0.4])}, dashed={"two": ([0, 1], [0.1, 0.2])})
    curve_panels(tmp_path / "both.png", [first, second], dashed="control")
    picture = read_image(tmp_path / "both.png")
    left, right = picture[..., : picture.shape[-1] // 2], picture[..., picture.shape[-1] // 2 :]
    above = slice(0, round(picture.shape[-2] * 0.8))  # the legend is below
    assert _pixels(left[..., above, :], _BLUE) > 100
    assert _pixels(left[..., above, :], _ORANGE) > 100
    assert _pixels(right[..., above, :], _BLUE) == 0
    assert _pixels(right[..., above, :], _ORANGE) > 100
    assert not list(tmp_path.glob(".*")), "nothing is left aside"


def test_bar_panels__lengths_are_in_proportion_and_none_is_no_bar(tmp_path: Path) -> None:
    bars: dict[str, dict[str, list[float | None]]] = {
        "dB": {"one": [1.0, 3.0, None], "two": [2.0, None, None]},
        "share": {"one": [0.5, 0.5, 0.5]},
    }
    bar_panels(tmp_path / "bars.png", bars, ["stock", "blur", "all"], references={"dB": 2.5}, reference="painting")
    picture = read_image(tmp_path / "bars.png")
    left = picture[..., : round(picture.shape[-2] * 0.8), : picture.shape[-1] // 2]
    blue, orange = _pixels(left, _BLUE), _pixels(left, _ORANGE)
    assert 1.7 < blue / orange < 2.3, "1 + 3 against 2"
