from pathlib import Path

import torch

from rnst.image.files import read_image
from rnst.reporting.plots import Curve, line_plot

_CURVES: dict[str, Curve] = {"clean": ([1, 2, 3], [0.3, 0.5, 0.6]), "attacked": ([1, 2, 3], [0.2, 0.3, 0.4])}


def _drawn(path: Path, curves: dict[str, Curve]) -> torch.Tensor:
    line_plot(path, curves, x_label="epoch", y_label="accuracy", title="a run", percent=True)
    return read_image(path)


def test_line_plot__draws_each_curve_in_its_color(tmp_path: Path) -> None:
    both = _drawn(tmp_path / "new" / "both.png", _CURVES)
    one = _drawn(tmp_path / "one.png", {"clean": _CURVES["clean"]})
    blue, orange = (torch.tensor(color).view(3, 1, 1) / 255 for color in ((0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)))
    assert both.shape[-1] > both.shape[-2] > 400
    for picture, color, there in ((both, blue, True), (both, orange, True), (one, blue, True), (one, orange, False)):
        assert bool(((picture[0] - color).abs().amax(0) < 0.02).sum() > 100) is there
    assert not list(tmp_path.glob(".*")), "nothing is left aside"


def test_line_plot__a_curve_of_one_point(tmp_path: Path) -> None:
    assert _drawn(tmp_path / "point.png", {"clean": ([1], [0.5])}).std() > 0


def test_line_plot__names_that_are_long_are_not_cut_off(tmp_path: Path) -> None:
    names = [f"{run} of a training with a long name: {what}" for run in ("first", "second") for what in _CURVES]
    picture = _drawn(tmp_path / "long.png", dict.fromkeys(names, _CURVES["clean"]))
    assert picture[..., :3].min() == picture[..., -3:].min() == 1.0
