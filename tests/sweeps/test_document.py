"""The report of a sweep, from results alone."""

import itertools
import re
from pathlib import Path

import pytest
import torch

from rnst.image.files import write_image
from rnst.results import Result
from rnst.sweeps.document import write_report
from rnst.sweeps.picking import marked

_NYQUIST = {f"nyquist_excess_{part}_db": 0.0 for part in ("columns", "rows", "checkerboard")}


def _results(folder: Path, seeds: tuple[int, ...] = (0, 1)) -> list[Result]:
    """Two photos, one painting, two networks; the style distance is that of the network plus that of the seed."""
    made = []
    for content in ("ben", "cat"):
        write_image(torch.rand(1, 3, 24, 32), folder / f"{content}.png")
    for content, (encoder, distance), seed in itertools.product(
        ("ben", "cat"), {"resnet50_standard": 0.5, "resnet50_robust": 0.2}.items(), seeds
    ):
        image = folder / "pictures" / f"{content}--scream" / f"{encoder}--seed={seed}.png"
        write_image(torch.rand(1, 3, 24, 32), image)
        style_distance = distance + 0.1 * seed
        scores = {"style_distance": style_distance, "relative_style_distance": style_distance, "edge_correlation": 0.8}
        settings = {"seed": seed, "content_path": f"../../{content}.png"}
        made.append(
            Result(image, content, ("scream",), encoder, settings, 1.0, 1, {}, {**scores, **_NYQUIST}, size=(32, 24))
        )
    return marked(made)


def _row(text: str, start: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(f"| {start}")).strip("| ").split(" | ")


def test_report__tables_plot_picks_and_sheet(tmp_path: Path) -> None:
    markdown, page = write_report(_results(tmp_path), tmp_path, ["seed"], "Sweep of seeds")
    text = markdown.read_text(encoding="utf-8")
    assert text.startswith("# Sweep of seeds\n")
    assert "8 pictures: 2 pairs of photo and painting, 2 networks, and every combination of seed." in text
    # Both pairs pick seed 0; over the seeds, the mean of 0.2 and 0.3 with the interval 12.706 x 0.05.
    assert _row(text, r"resnet50\_robust")[1:3] == ["2", "0.200 ± 0.000"]
    assert _row(text, r"resnet50\_robust")[-1] == "0.250 ± 0.635"
    assert "the interval over 2 seeds" in text
    assert _row(text, r"resnet50\_standard | 1")[2:] == ["0.600", "0.800", "-"]
    assert _row(text, "cat | scream")[2:5] == [r"resnet50\_standard", "0", "0.500"]
    assert re.findall(r"\]\((.*?)\)", text) == ["pareto.png", "sheet.png"]
    assert all((tmp_path / name).stat().st_size > 1000 for name in ("pareto.png", "sheet.png"))
    assert page.read_text(encoding="utf-8").count('src="data:image/png;base64,') == 2


def test_report__the_same_for_the_same_results(tmp_path: Path) -> None:
    results = _results(tmp_path)
    names = ("report.md", "report.html", "pareto.png", "sheet.png")
    write_report(results, tmp_path, ["seed"], "Sweep")
    before = [(tmp_path / name).read_bytes() for name in names]
    write_report(results, tmp_path, ["seed"], "Sweep")
    assert [(tmp_path / name).read_bytes() for name in names] == before


@pytest.mark.parametrize("grid", [[], ["seed"]])
def test_report__one_seed_has_no_interval_over_seeds(grid: list[str], tmp_path: Path) -> None:
    results = _results(tmp_path, seeds=(0,))
    text = write_report(results, tmp_path, grid, "Sweep")[0].read_text(encoding="utf-8")
    assert ("the spread between seeds was not measured" in text) is (grid == [])
    if grid:
        assert _row(text, r"resnet50\_robust")[-1] == "0.200"
