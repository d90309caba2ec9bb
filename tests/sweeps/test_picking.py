from pathlib import Path

from rnst.results import Result
from rnst.sweeps.picking import marked, pick


def _result(name: str, distance: float, edges: float, nyquist: float = 0.0, encoder: str = "resnet50") -> Result:
    scores = {
        "style_distance": distance,
        "edge_correlation": edges,
        "nyquist_excess_columns_db": nyquist,
        "nyquist_excess_rows_db": -9.0,
        "nyquist_excess_checkerboard_db": -9.0,
    }
    return Result(Path(f"{name}.png"), "cat", ("waves",), encoder, {}, 1.0, 1, {}, scores)


def test_closest_to_the_style_among_those_that_keep_the_content() -> None:
    results = [_result("far", 0.5, 0.95), _result("near", 0.2, 0.71), _result("nearest, but unreadable", 0.1, 0.69)]
    assert pick(results).image.stem == "near"


def test_tie__least_nyquist_excess() -> None:
    results = [
        _result("lowest", 0.200, 0.8, nyquist=6.0),
        _result("clean", 0.209, 0.8),
        _result("clean, far", 0.211, 0.8),
    ]
    assert pick(results).image.stem == "clean"


def test_none_keeps_the_content__most_of_it() -> None:
    assert pick([_result("more", 0.5, 0.6), _result("less", 0.1, 0.2)]).image.stem == "more"


def test_marked__one_of_each_encoder_and_again_the_same() -> None:
    results = [_result("a", 0.1, 0.9), _result("b", 0.2, 0.9), _result("c", 0.3, 0.9, encoder="vgg16")]
    first = marked(results)
    assert [result.scores["picked"] for result in first] == [1.0, 0.0, 1.0]
    assert marked(first) == first
