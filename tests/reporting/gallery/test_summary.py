"""Which results are shown first, and what the names of encoders say."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rnst.reporting.gallery.distinct import with_distinct_names
from rnst.reporting.gallery.summary import is_robust, plain_pair, varied_settings, vgg_pair
from rnst.results import Result

MakeResult = Callable[..., Result]


@pytest.mark.parametrize(
    ("encoder", "robust"),
    [
        ("resnet50_robust", True), ("resnet50_l2_eps3", True), ("restricted_resnet50_l2_eps3", True),
        ("vit_linf_eps4", True), ("resnet50_l2_eps0.5", True), ("Robust ResNet", True), ("vgg16_robust", True),
        ("resnet50_nonrobust", False), ("non-robust", False), ("resnet50_l2_eps0", False), ("vgg19", False),
    ],
)  # fmt: skip
def test_robust_encoders_are_known_by_name(encoder: str, *, robust: bool) -> None:
    assert is_robust(encoder) == robust


def test_pairs_follow_the_article() -> None:
    article = ["resnet50_robust", "resnet50_standard", "vgg16_robust", "vgg16_standard"]
    assert plain_pair(article) == ["resnet50_standard", "resnet50_robust"]
    assert vgg_pair(article) == ["vgg16_standard", "resnet50_robust"]
    assert plain_pair(["vgg19"]) == ["vgg19", "vgg19"]
    assert plain_pair(["vgg16_robust", "vgg19"]) == ["vgg19", "vgg16_robust"]
    assert plain_pair(["alexnet", "resnet50"]) == ["alexnet", "resnet50"]
    assert vgg_pair(["vgg19", "vgg16_robust"]) is None
    assert vgg_pair(["resnet50_robust"]) is None


def test_varied_settings_are_what_differs_inside_a_cell(make_result: MakeResult) -> None:
    one = make_result("a.png", settings={"seed": 0, "init": "noise", "steps": 5, "output": "a", "content_path": "a"})
    two = replace(one, settings={"seed": 1, "init": "noise", "steps": 5, "output": "b", "content_path": "b"})
    other = replace(one, encoder="resnet50", settings={"seed": 0, "steps": 9})
    assert varied_settings([one, two, other]) == ["seed"]


@pytest.mark.parametrize("values", [(["layer1"], ["layer1", "layer2"]), (None, 5), (None, [1.0])], ids=str)
def test_varied_settings__lists_and_nothing_are_values(values: tuple[object, object], make_result: MakeResult) -> None:
    assert varied_settings([make_result(f"{value}.png", settings={"x": value, "y": [1]}) for value in values]) == ["x"]


def test_one_name_of_two_pictures__two_names(make_result: MakeResult) -> None:
    def made(name: str, content: str | None, style: str | None) -> Result:
        hashes = {"content": [content] if content else [], "style": [style] if style else []}
        return make_result(name, sources_sha256={option: found for option, found in hashes.items() if found})

    results = [made("a.png", "1", "7"), made("b.png", "2", "7"), made("c.png", "1", "8"), made("d.png", None, None)]
    found = [(result.content, result.styles) for result in with_distinct_names(results)]
    assert found == [
        ("ben", ("scream",)), ("ben (2)", ("scream",)), ("ben", ("scream (2)",)), ("ben", ("scream",)),
    ]  # fmt: skip
