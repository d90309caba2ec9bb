"""The measures rank the article's own pictures as the eye does."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from rnst.metrics.style_distance import StyleReference

_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "published_pictures.py"
Program = dict[str, Any]


@pytest.fixture
def program() -> Program:
    return runpy.run_path(str(_BENCHMARK))


def _published(program: Program, data: Path, side: int) -> Any:
    if not (data / "nakano2019").is_dir():
        pytest.skip(f"the published pictures are not in {data}")
    return program["load"](data, side)


def test_both_distances_rank_all_triples_at_thumbnail_size(program: Program, test_data: Path) -> None:
    published = _published(program, test_data, 128)
    references = {style: StyleReference(painting) for style, painting in published.paintings.items()}
    for measure in (StyleReference.distance, StyleReference.texture_distance):
        values = {key: measure(references[key[1]], image) for key, image in published.pictures.items()}
        assert program["wins"](values, "robust", "nonrobust") == 16
        assert program["wins"](values, "vgg", "nonrobust") == 16


def test_no_control_passes_for_a_stylization(program: Program, test_data: Path) -> None:
    published = _published(program, test_data, 512)
    reference = StyleReference(published.paintings["scream"])
    images = program["controls"](test_data, "scream", published)
    found = {name: reference.distance(image) for name, image in images.items()}
    good = max(found["robust"], found["vgg"])
    assert 2.0 * good < found["color transfer"] < found["content"] < found["shuffled style"]
    assert found["content + noise"] == pytest.approx(found["content"], rel=0.1)
    assert found["color transfer"] < found["nonrobust"]


@pytest.mark.parametrize("style", ["starry", "woman"])
@pytest.mark.slow
def test_no_control_passes_for_the_other_styles(program: Program, test_data: Path, style: str) -> None:
    published = _published(program, test_data, 512)
    reference = StyleReference(published.paintings[style])
    images = program["controls"](test_data, style, published)
    found = {name: reference.distance(image) for name, image in images.items()}
    good = max(found["robust"], found["vgg"])
    assert 2.0 * good < found["color transfer"] < found["content"] < found["shuffled style"]


def test_real_style_is_hardly_moved_by_a_shift(program: Program, test_data: Path) -> None:
    published = _published(program, test_data, 256)
    reference = StyleReference(published.paintings["woman"])
    for method in ("nonrobust", "robust", "vgg"):
        image = published.pictures["dancing", "woman", method]
        plain = reference.distance(image[..., :-8, :-8])
        assert reference.distance(image[..., 8:, 8:]) == pytest.approx(plain, rel=0.02)


@pytest.mark.slow
def test_counts_of_the_reference(program: Program, test_data: Path) -> None:
    values = program["measure"](_published(program, test_data, 512))

    def counts(name: str, better: str = "lower") -> tuple[int, ...]:
        return tuple(program["wins"](values[name], *pair, better) for pair in program["COMPARISONS"])

    # Robust and VGG against nonrobust, VGG against robust: what was measured when the measures were chosen.
    assert counts("style_distance")[:2] == (16, 16)
    assert counts("texture_distance")[:2] == (16, 16)
    assert counts("color_distance")[:2] == (16, 16)
    assert counts("ssim", "higher")[:2] == (0, 0)
    assert counts("edge_correlation", "higher")[:2] == (0, 0)
    # Robustness does not remove the artifacts; VGG does not have them.
    assert counts("nyquist_excess_columns_db")[0] in range(6, 11)
    assert counts("nyquist_excess_rows_db")[0] in range(6, 11)
    assert counts("nyquist_excess_columns_db")[2] == 16
    assert counts("nyquist_excess_rows_db")[2] >= 15
    assert counts("nyquist_excess_checkerboard_db")[2] in range(10, 15)
    assert counts("noise_sigma") == (2, 15, 16)
