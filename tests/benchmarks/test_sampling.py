"""The report of the study of sampling, from pictures whose measures are known."""

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.sampling import MEASURES, main
from rnst.image.files import read_image, write_image
from rnst.results import Result

_NETWORKS = ("resnet18_standard", "resnet18_robust")
_SIDE = 64
# Style distance of the standard network at S = 1, 2, 3; the robust one has 0.1. Two thirds of the gap close at S = 3.
_STANDARD = {1.0: 0.4, 2.0: 0.25, 3.0: 0.2}


def _texture(stripes: float) -> Tensor:
    """Coarse shapes and a little noise, with stripes of period 2, (1, 3, 64, 64)."""
    chance = torch.Generator().manual_seed(0)
    shapes = F.interpolate(torch.rand(1, 1, 8, 8, generator=chance), size=_SIDE, mode="bicubic").clamp(0.0, 1.0)
    noise = torch.rand(1, 1, _SIDE, _SIDE, generator=chance)
    pattern = torch.tensor([1.0, -1.0]).repeat(_SIDE // 2)
    return (0.2 + 0.5 * shapes + 0.1 * noise + stripes * pattern).expand(1, 3, -1, -1)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two losses, one parametrization, three factors, two seeds; the standard network's pictures have stripes."""
    folder = tmp_path_factory.mktemp("sweep")
    for name in ("coffee", "flow"):
        write_image(_texture(0.0), folder / f"{name}.png")
    axes = itertools.product(("gram", "w2"), _STANDARD.items(), (0, 1), _NETWORKS)
    for loss, (factor, distance), seed, network in axes:
        is_standard = network == _NETWORKS[0]
        image = folder / "pictures" / "coffee--flow" / f"{network}--{loss}-{factor}-{seed}.png"
        write_image(_texture(0.1 if is_standard else 0.0), image)
        style_distance = (distance if is_standard else 0.1) + 0.01 * seed
        scores = {"style_distance": style_distance, "edge_correlation": 0.8 + 0.1 * is_standard}
        scores |= {"nyquist_excess_columns_db": 8.0, "nyquist_excess_rows_db": 2.0 * seed}
        settings = {"style_loss": loss, "parameters": "clamped", "supersample": factor, "seed": seed}
        settings["encoder"] = network
        paths = {"content_path": "../../coffee.png", "style_paths": ["../../flow.png"]}
        size = (_SIDE, _SIDE)
        Result(image, "coffee", ("flow",), network, settings | paths, 1.0, 1, {}, scores, size=size).write()
    return folder


def _table(text: str, title: str) -> list[list[str]]:
    lines = text.split(title)[1].split("###")[0].splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]


def test_report(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep), "--sheet", str(tmp_path / "sheet.png")]) == 0
    text = capsys.readouterr().out
    assert all(f"### {measure.title}\n" in text for measure in MEASURES)
    head, *rows = _table(text, "Style distance")
    assert head[3:5] == list(_NETWORKS)
    assert [row[:3] for row in rows] == [
        [loss, "clamped", str(factor)] for loss in ("gram", "w2") for factor in (1, 2, 3)
    ]
    assert rows[0][3:] == [
        *("0.405 (0.400 to 0.410)", "0.105 (0.100 to 0.110)", "0.26 (0.25 to 0.27)"),
        *("-0.300 (-0.300 to -0.300)", "-"),
    ]
    assert [row[-1] for row in rows[1:3]] == ["0.50 (0.50 to 0.50)", "0.67 (0.67 to 0.67)"]
    edges = _table(text, "Edges kept")[1]
    assert edges[-2:] == ["-0.100 (-0.100 to -0.100)", "-"]  # more edges are no failure that closes
    stripes = _table(text, "Nyquist excess")[1]
    assert stripes[3:6] == ["4.500 (4.000 to 5.000)"] * 2 + ["-"]
    # The robust pictures are the painting itself; stripes are finer than 5 px, and of one direction.
    fine, weave = _table(text, "Energy at periods")[1], _table(text, "Weave")[1]
    assert fine[4].startswith("1.000 ")
    assert float(fine[3].split()[0]) > 2.0
    assert float(weave[3].split()[0]) > 0.5 > 0.1 > float(weave[4].split()[0])
    assert [row[0] for row in _table(text, "Photos and paintings")[1:]] == ["coffee", "flow"]
    sheet = read_image(tmp_path / "sheet.png")
    assert sheet.shape[-1] > 6 * _SIDE
    assert sheet.shape[-2] > 2 * _SIDE


@pytest.mark.parametrize("side", ["--standard", "--robust"])
def test_a_network_that_is_not_there__one_line(sweep: Path, side: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep), side, "vgg19"]) == 2
    error = capsys.readouterr().err
    assert "vgg19" in error
    assert error.count("\n") == 1


def test_a_folder_without_a_sweep__one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "finished sweep" in capsys.readouterr().err


def test_a_sweep_twice__is_refused(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(sweep), str(sweep)]) == 2
    assert "another photo or painting" in capsys.readouterr().err


def test_pictures_of_two_sizes__are_refused(sweep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = Result.read(next((sweep / "pictures").rglob("*.json")))
    image = tmp_path / "pictures" / "coffee--flow" / "other.png"
    write_image(torch.zeros(1, 3, 80, 80), image)
    settings = {**other.settings, "encoder": "vgg19"}
    Result(image, "coffee", ("flow",), "vgg19", settings, 1.0, 1, {}, other.scores, size=(80, 80)).write()
    assert main([str(sweep), str(tmp_path)]) == 2
    assert "(64, 64), (80, 80)" in capsys.readouterr().err
